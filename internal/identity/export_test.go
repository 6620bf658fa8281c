package identity

import "maps"

// Tests hash hundreds of passwords; TestCost looks at what everybody else pays.
var Cost = *cost

func init() { cost.Memory, cost.Iterations = 64, 1 }

// BackedUp says of each table whether a backup holds it, or why it does not.
func BackedUp() map[string]string {
	answers := maps.Clone(notCopied)
	for _, c := range copied {
		answers[c.table] = "copied"
	}
	return answers
}
