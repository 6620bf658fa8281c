package events

import (
	"reflect"
	"strings"
)

// plan is what a fact's Go type says about its fields, worked out once: which
// of them must be there. A field without omitzero is required and never empty.
type plan struct {
	required []requirement
	names    []string // every JSON name, in order
}

type requirement struct {
	index []int
	name  string
	items *plan // of a slice of structs
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
		if strings.Contains(options, "omitzero") {
			continue
		}
		r := requirement{index: f.Index, name: name}
		if f.Type.Kind() == reflect.Slice && f.Type.Elem().Kind() == reflect.Struct {
			r.items = planOf(f.Type.Elem())
		}
		p.required = append(p.required, r)
	}
	return p
}

// check refuses a value with a required field missing or empty.
func (p *plan) check(v reflect.Value, at string) error {
	for i := range p.required {
		r := &p.required[i]
		field := v.FieldByIndex(r.index)
		if field.IsZero() || (field.Kind() == reflect.Slice && field.Len() == 0) {
			return errorf(MissingField, at+"/"+r.name, "required")
		}
		if r.items == nil {
			continue
		}
		for j := range field.Len() {
			if err := r.items.check(field.Index(j), at+"/"+r.name+"/"+itoa(j)); err != nil {
				return err
			}
		}
	}
	return nil
}
