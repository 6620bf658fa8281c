package events

import (
	"reflect"
	"slices"
	"strings"
)

// plan is what a fact's Go type says about its fields, worked out once: which
// of them must be there, and which are of a closed set. A field without
// omitzero is required and never empty; the tag in:"a,b" names the set.
type plan struct {
	demands []demand
	names   []string // every JSON name, in order
}

// demand is what one field must hold to.
type demand struct {
	index    []int
	name     string
	optional bool
	items    *plan    // of a slice of structs
	set      []string // of a closed set
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
		d := demand{index: f.Index, name: name, optional: strings.Contains(options, "omitzero")}
		if f.Type.Kind() == reflect.Slice && f.Type.Elem().Kind() == reflect.Struct {
			d.items = planOf(f.Type.Elem())
		}
		if set := f.Tag.Get("in"); set != "" {
			d.set = strings.Split(set, ",")
		}
		if !d.optional || d.set != nil {
			p.demands = append(p.demands, d)
		}
	}
	return p
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
