package identity

// Tests hash hundreds of passwords; TestCost looks at what everybody else pays.
var Cost = *cost

func init() { cost.Memory, cost.Iterations = 64, 1 }
