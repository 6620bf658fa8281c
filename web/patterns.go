package web

import "slices"

// Patterns lists the routes of pages, acts and their files, as net/http writes
// them: what tells requests apart where they are measured.
func Patterns() []string {
	s := &site{}
	all := []string{"GET /assets/{sum}/{name}", "GET " + keeper}
	for _, r := range slices.Concat(s.routes(), s.doors(), s.offices(), s.queues(), s.desk(), s.payPoints(), s.stallCards()) {
		all = append(all, r.pattern)
	}
	return all
}
