package projections

func FoldAdoption(c *Changes, a *Accepted) {}
func FoldBills(c *Changes, a *Accepted)    {}
func FoldBoard(c *Changes, a *Accepted)    {}
func FoldPayouts(c *Changes, a *Accepted)  {}
func FoldTrace(c *Changes, a *Accepted)    {}
