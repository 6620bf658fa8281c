package bank

import (
	"cmp"
	"encoding/xml"
	"slices"
	"strconv"
)

// declared is what a group header or a payment block says of itself.
type declared struct {
	count *int
	sum   *Amount
}

func (c *declared) read(n *node) error {
	switch n.name {
	case "NbOfTxs":
		count, err := strconv.Atoi(n.text)
		if err != nil || !digitsOnly(n.text) {
			return refuse(n.line, n.name, "damaged", "NbOfTxs is no count")
		}
		c.count = &count
	case "CtrlSum":
		sum, ok := ParseAmount(n.text)
		if !ok {
			return refuse(n.line, n.name, "damaged", "CtrlSum is no amount")
		}
		c.sum = &sum
	}
	return nil
}

// differs compares with what is there. The control sum runs over all currencies.
func (c *declared) differs(count int, sum Amount) bool {
	return c.count != nil && *c.count != count || c.sum != nil && !c.sum.Equal(sum)
}

// parseOrder reads pain.001. The file is refused when its counts or sums are not
// those it declares, since a bank would refuse it or, worse, pay it.
func parseOrder(d *document, start xml.StartElement, r *Result, o Options, t *tally) error {
	order := &Order{}
	totals := map[string]*OrderTotal{}
	var (
		group  declared
		sum    Amount
		blocks *Problem // the first block that differs
	)
	err := d.each(start, func(part xml.StartElement) error {
		switch part.Name.Local {
		case "GrpHdr":
			n, err := d.node(part)
			if err != nil {
				return err
			}
			order.MessageID = n.value("MsgId")
			for _, c := range n.children {
				if err := group.read(c); err != nil {
					return err
				}
			}
			return nil
		case "PmtInf":
		default:
			return d.skip()
		}
		order.PaymentBlocks++
		line := d.line()
		before, blockSum := order.Transactions, Amount{}
		var block declared
		account, day := o.Account, ""
		err := d.each(part, func(child xml.StartElement) error {
			n, err := d.node(child)
			if err != nil {
				return err
			}
			switch n.name {
			case "NbOfTxs", "CtrlSum":
				return block.read(n)
			case "DbtrAcct":
				account = n.value("Id/IBAN", "Id/Othr/Id")
			case "ReqdExctnDt":
				day = n.text // a date until version 03, a choice since
				if day == "" {
					day, _ = isoDay(n.value("Dt", "DtTm"))
				}
			case "CdtTrfTxInf":
				e, err := transfer(n)
				if err != nil {
					return err
				}
				e.Account, e.BookedOn, e.Statement = account, day, order.PaymentBlocks
				order.Transactions++
				blockSum = blockSum.Plus(e.Amount)
				total := totals[e.Currency]
				if total == nil {
					total = &OrderTotal{Currency: e.Currency}
					totals[e.Currency] = total
				}
				total.Count++
				total.Sum = total.Sum.Plus(e.Amount)
				if t.visit != nil {
					return t.visit(e)
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
		sum = sum.Plus(blockSum)
		if block.differs(order.Transactions-before, blockSum) && blocks == nil {
			blocks = &Problem{line, "PmtInf", "count_differs", "payment block count or control sum does not match"}
		}
		return nil
	})
	if err != nil {
		return err
	}
	order.DeclaredTransactions, order.DeclaredControlSum = group.count, group.sum
	order.Totals = make([]OrderTotal, 0, len(totals))
	for _, total := range totals {
		order.Totals = append(order.Totals, *total)
	}
	slices.SortFunc(order.Totals, func(a, b OrderTotal) int { return cmp.Compare(a.Currency, b.Currency) })
	r.Order = order // shown also where it is refused for its sums
	switch {
	case group.count == nil:
		return refuse(0, "GrpHdr/NbOfTxs", "missing_element", "the group header declares no number of transactions")
	case order.Transactions == 0:
		return refuse(0, "CdtTrfTxInf", "missing_element", "no transfer in the payment order")
	case group.differs(order.Transactions, sum):
		return refuse(0, "GrpHdr", "count_differs", "group header count or control sum does not match")
	case blocks != nil:
		return &refusal{*blocks}
	}
	return nil
}

// transfer reads one CdtTrfTxInf.
func transfer(n *node) (*Entry, error) {
	amount := n.at("Amt/InstdAmt")
	if amount == nil {
		amount = n.at("Amt/EqvtAmt/Amt")
	}
	e := &Entry{
		Line: n.line, Direction: Debit,
		EndToEndID: n.value("PmtId/EndToEndId"), InstructionID: n.value("PmtId/InstrId"),
		Remittance:       remittance(n.child("RmtInf")),
		CounterpartyName: n.value("Cdtr/Nm"), CounterpartyAccount: n.value("CdtrAcct/Id/IBAN", "CdtrAcct/Id/Othr/Id"),
	}
	var ok bool
	if e.Amount, e.Currency, ok = amountOf(amount); !ok {
		return nil, refuse(n.line, "CdtTrfTxInf/Amt", "damaged", "the amount or its currency cannot be read")
	}
	if e.Amount, ok = e.Amount.in(e.Currency); !ok {
		return nil, refuse(n.line, "CdtTrfTxInf/Amt", "fraction_of_dong", "an amount in đồng with decimals")
	}
	return e, nil
}

// parseStatus reads pain.002.
func parseStatus(d *document, start xml.StartElement, r *Result) error {
	s := &Status{PaymentBlocks: []BlockStatus{}, Transactions: []TransactionStatus{}, GroupReasons: []string{}}
	group := false
	transaction := func(n *node, block string) {
		s.Transactions = append(s.Transactions, TransactionStatus{
			EndToEndID: n.value("OrgnlEndToEndId"), InstructionID: n.value("OrgnlInstrId"), Block: block,
			Status: optional(n.value("TxSts")), Reasons: reasons(n),
		})
	}
	err := d.each(start, func(part xml.StartElement) error {
		switch part.Name.Local {
		case "OrgnlGrpInfAndSts":
			n, err := d.node(part)
			if err != nil {
				return err
			}
			group = true
			s.OriginalMessageID, s.OriginalMessageName = n.value("OrgnlMsgId"), n.value("OrgnlMsgNmId")
			s.GroupStatus, s.GroupReasons = optional(n.value("GrpSts")), reasons(n)
			return nil
		case "OrgnlPmtInfAndSts":
			own := &node{}
			at := len(s.PaymentBlocks)
			s.PaymentBlocks = append(s.PaymentBlocks, BlockStatus{})
			err := d.each(part, func(child xml.StartElement) error {
				n, err := d.node(child)
				switch {
				case err != nil:
					return err
				case n.name == "TxInfAndSts":
					transaction(n, own.value("OrgnlPmtInfId"))
				default:
					own.children = append(own.children, n)
				}
				return nil
			})
			s.PaymentBlocks[at] = BlockStatus{own.value("OrgnlPmtInfId"), optional(own.value("PmtInfSts")), reasons(own)}
			return err
		case "TxInfAndSts": // without a block, in version 02
			n, err := d.node(part)
			if err == nil {
				transaction(n, "")
			}
			return err
		}
		return d.skip()
	})
	if err != nil {
		return err
	}
	if !group {
		return refuse(0, "OrgnlGrpInfAndSts", "missing_element", "the report does not say which order it answers")
	}
	r.Status = s
	return nil
}

// reasons are the codes of StsRsnInf.
func reasons(n *node) []string {
	found := []string{}
	n.all("StsRsnInf", func(s *node) {
		if code := s.value("Rsn/Cd", "Rsn/Prtry"); code != "" {
			found = append(found, code)
		}
	})
	return found
}

func optional(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}
