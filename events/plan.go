package events

import (
	"reflect"
	"slices"
	"strconv"
	"strings"

	"socho/internal/money"
)

// plan is what a fact's Go type says about its fields, worked out once: which
// of them must be there, and which are of a closed set. A field without
// omitzero is required and never empty; the tag in:"a,b" names the set, the
// tag within:"1,9" the bounds of a *Count, and holds:"opaque" an id that may not
// look like a number of a person's.
type plan struct {
	demands []demand
	names   []string // every JSON name, in order
	money   []int    // the field that says the currency; nil where there is none
}

// demand is what one field must hold to.
type demand struct {
	index    []int
	name     string
	optional bool
	items    *plan    // of a slice of structs
	set      []string // of a closed set
	bounds   *bounds
	opaque   bool
}

// bounds are the least and the most of a whole number.
type bounds struct{ least, most Count }

func boundsOf(tag string) *bounds {
	if tag == "" {
		return nil
	}
	least, most, _ := strings.Cut(tag, ",")
	a, err1 := strconv.ParseInt(least, 10, 64)
	b, err2 := strconv.ParseInt(most, 10, 64)
	if err1 != nil || err2 != nil {
		panic("events: no bounds: " + tag)
	}
	return &bounds{Count(a), Count(b)}
}

func planOf(t reflect.Type) *plan {
	p := &plan{}
	for _, f := range reflect.VisibleFields(t) {
		if f.Anonymous {
			continue
		}
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "" || name == "-" {
			continue
		}
		p.names = append(p.names, name)
		if f.Type == reflect.TypeFor[money.Currency]() {
			p.money = f.Index
		}
		d := demand{index: f.Index, name: name, optional: strings.Contains(options, "omitzero")}
		if f.Type.Kind() == reflect.Slice && f.Type.Elem().Kind() == reflect.Struct {
			d.items = planOf(f.Type.Elem())
		}
		if set := f.Tag.Get("in"); set != "" {
			d.set = strings.Split(set, ",")
		}
		d.bounds, d.opaque = boundsOf(f.Tag.Get("within")), f.Tag.Get("holds") == "opaque"
		if !d.optional || d.set != nil || d.bounds != nil || d.opaque {
			p.demands = append(p.demands, d)
		}
	}
	return p
}

// currency is the one that a checked fact's amounts are of.
func (p *plan) currency(v reflect.Value) (c money.Currency, ok bool) {
	if p.money == nil {
		return "", false
	}
	return money.Currency(v.FieldByIndex(p.money).String()), true
}

// check refuses a value with a required field missing or empty, or with one
// outside its set.
func (p *plan) check(v reflect.Value, at string) error {
	for i := range p.demands {
		d := &p.demands[i]
		field := v.FieldByIndex(d.index)
		if field.IsZero() || (field.Kind() == reflect.Slice && field.Len() == 0) {
			if d.optional {
				continue
			}
			return errorf(MissingField, at+"/"+d.name, "required")
		}
		if d.set != nil && !slices.Contains(d.set, field.String()) {
			return errorf(BadValue, at+"/"+d.name, "expected one of %s", strings.Join(d.set, ", "))
		}
		if d.bounds != nil {
			if n := Count(field.Elem().Int()); n < d.bounds.least || n > d.bounds.most {
				return errorf(BadValue, at+"/"+d.name, "expected a whole number from %d to %d", d.bounds.least, d.bounds.most)
			}
		}
		if d.opaque && !Opaque(field.String()) {
			return errorf(BadValue, at+"/"+d.name, "looks like a phone or citizen number; use an opaque id")
		}
		if d.items == nil {
			continue
		}
		for j := range field.Len() {
			if err := d.items.check(field.Index(j), at+"/"+d.name+"/"+itoa(j)); err != nil {
				return err
			}
		}
	}
	return nil
}
