package bank

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"strings"

	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/htmlindex"
)

// Limits of an XML document. A token is one tag with its attributes, or one text.
const (
	maxDepth      = 40
	maxTokenBytes = 256 << 10
	maxNodeText   = 64 << 10 // of all texts of one element that is read as a tree
)

// document reads XML by tokens, and refuses what no message of these formats ever
// has. encoding/xml in strict mode expands the five predefined entities alone.
type document struct {
	decoder *xml.Decoder
	budget  *budget
	space   string // the namespace of the root, hence of every element
	depth   int
}

// budget lets a bounded number of bytes through between two tokens, so that no
// text of a hundred megabytes is ever held.
type budget struct {
	src  io.Reader
	left int
}

var errBudget = errors.New("token too long")

func (b *budget) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, errBudget
	}
	n, err := b.src.Read(p[:min(len(p), b.left)])
	b.left -= n
	return n, err
}

func newDocument(src io.Reader) *document {
	b := &budget{src: src}
	d := &document{decoder: xml.NewDecoder(b), budget: b}
	d.decoder.CharsetReader = func(label string, input io.Reader) (io.Reader, error) {
		label = strings.ToLower(label)
		if strings.HasPrefix(label, "utf-16") || label == "us-ascii" || label == "ascii" {
			return input, nil // UTF-16 was decoded by its mark before
		}
		if label == "iso-8859-1" {
			return charmap.ISO8859_1.NewDecoder().Reader(input), nil
		}
		e, err := htmlindex.Get(label)
		if err != nil {
			return nil, errors.New("unknown encoding")
		}
		return e.NewDecoder().Reader(input), nil
	}
	return d
}

func (d *document) line() int {
	line, _ := d.decoder.InputPos()
	return line
}

// token returns the next tag or text; comments and instructions are passed over.
func (d *document) token() (xml.Token, error) {
	for {
		d.budget.left = maxTokenBytes
		t, err := d.decoder.Token()
		if err != nil {
			var syntax *xml.SyntaxError
			switch {
			case errors.Is(err, errBudget):
				return nil, refuse(d.line(), "", "too_large", "a single text or tag of more than %d KB", maxTokenBytes>>10)
			case errors.As(err, &syntax):
				return nil, refuse(syntax.Line, "", "damaged", "not well-formed XML, or cut off")
			case err == io.EOF:
				return nil, err
			}
			if _, ok := refusedAs(err); ok {
				return nil, err
			}
			var fault *sourceError
			if errors.As(err, &fault) {
				return nil, err
			}
			return nil, refuse(d.line(), "", "damaged", "not well-formed XML, or in an unknown encoding")
		}
		switch t := t.(type) {
		case xml.Directive:
			return nil, refuse(d.line(), "DOCTYPE", "doctype", "a document type declaration is not allowed")
		case xml.StartElement:
			if d.depth++; d.depth > maxDepth {
				return nil, refuse(d.line(), "", "too_deep", "elements nested more than %d deep", maxDepth)
			}
			if d.space == "" {
				d.space = t.Name.Space
			}
			return t, nil
		case xml.EndElement:
			d.depth--
			return t, nil
		case xml.CharData:
			return t, nil
		}
	}
}

// root reads up to the root element.
func (d *document) root() (xml.StartElement, error) {
	for {
		t, err := d.token()
		if err == io.EOF {
			return xml.StartElement{}, refuse(0, "", "damaged", "no XML element in the file")
		}
		if err != nil {
			return xml.StartElement{}, err
		}
		switch t := t.(type) {
		case xml.StartElement:
			return t, nil
		case xml.CharData:
			if len(bytes.TrimSpace(bytes.TrimPrefix(t, []byte("\ufeff")))) > 0 {
				return xml.StartElement{}, refuse(d.line(), "", "damaged", "text before the first XML element")
			}
		}
	}
}

// end makes sure that nothing follows the root element.
func (d *document) end() error {
	for {
		t, err := d.token()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if text, ok := t.(xml.CharData); !ok || len(bytes.TrimSpace(text)) > 0 {
			return refuse(d.line(), "", "trailing_content", "something follows the end of the document")
		}
	}
}

// singles lists, for the elements whose meaning is used, the children that the
// message definitions allow once. A second one is not ignored: it could say
// something else.
var singles = func() map[string]map[string]bool {
	found := map[string]map[string]bool{}
	for parent, children := range map[string]string{
		"Stmt":              "Id Acct CreDtTm FrToDt TxsSummry",
		"Rpt":               "Id Acct CreDtTm FrToDt TxsSummry",
		"Ntfctn":            "Id Acct CreDtTm FrToDt TxsSummry",
		"Acct":              "Id Ccy",
		"Id":                "IBAN Othr",
		"Bal":               "Tp Amt CdtDbtInd Dt",
		"CdOrPrtry":         "Cd Prtry",
		"Ntry":              "NtryRef Amt CdtDbtInd RvslInd Sts BookgDt ValDt AcctSvcrRef AddtlNtryInf",
		"Sts":               "Cd Prtry",
		"BookgDt":           "Dt DtTm",
		"ValDt":             "Dt DtTm",
		"TxDtls":            "Refs Amt CdtDbtInd AmtDtls RltdPties RmtInf RtrInf AddtlTxInf",
		"Refs":              "AcctSvcrRef PmtInfId InstrId EndToEndId TxId",
		"AmtDtls":           "InstdAmt TxAmt",
		"TxAmt":             "Amt",
		"RltdPties":         "Dbtr DbtrAcct Cdtr CdtrAcct UltmtDbtr UltmtCdtr",
		"RtrInf":            "Rsn",
		"Rsn":               "Cd Prtry",
		"GrpHdr":            "MsgId NbOfTxs CtrlSum",
		"PmtInf":            "PmtInfId NbOfTxs CtrlSum ReqdExctnDt DbtrAcct",
		"CdtTrfTxInf":       "PmtId Amt CdtrAcct Cdtr RmtInf",
		"PmtId":             "InstrId EndToEndId",
		"Amt":               "InstdAmt EqvtAmt",
		"EqvtAmt":           "Amt",
		"OrgnlGrpInfAndSts": "OrgnlMsgId OrgnlMsgNmId GrpSts",
		"OrgnlPmtInfAndSts": "OrgnlPmtInfId PmtInfSts",
		"TxInfAndSts":       "OrgnlInstrId OrgnlEndToEndId TxSts",
	} {
		found[parent] = map[string]bool{}
		for _, child := range strings.Fields(children) {
			found[parent][child] = true
		}
	}
	return found
}()

// each calls f for every child element of the one that was just opened, by its
// name; f must read the child to its end (by each, node or skip). Text between the
// children is refused.
func (d *document) each(parent xml.StartElement, f func(child xml.StartElement) error) error {
	var seen map[string]bool
	for {
		t, err := d.token()
		if err == io.EOF {
			return refuse(d.line(), parent.Name.Local, "damaged", "cut off inside %s", parent.Name.Local)
		}
		if err != nil {
			return err
		}
		switch t := t.(type) {
		case xml.EndElement:
			return nil
		case xml.CharData:
			if len(bytes.TrimSpace(t)) > 0 {
				return refuse(d.line(), parent.Name.Local, "damaged", "text where only elements may stand, in %s", parent.Name.Local)
			}
		case xml.StartElement:
			name := t.Name.Local
			if t.Name.Space != d.space {
				if name == "Envlp" || parent.Name.Local == "Envlp" || parent.Name.Local == "SplmtryData" {
					if err := d.skip(); err != nil {
						return err
					}
					continue
				}
				return refuse(d.line(), name, "wrong_namespace", "the element is in another namespace than the document")
			}
			if singles[parent.Name.Local][name] {
				if seen[name] {
					return refuse(d.line(), parent.Name.Local+"/"+name, "duplicate_element", "%s may stand once in %s", name, parent.Name.Local)
				}
				if seen == nil {
					seen = map[string]bool{}
				}
				seen[name] = true
			}
			if err := f(t); err != nil {
				return err
			}
		}
	}
}

// skip passes over the element that was just opened.
func (d *document) skip() error {
	for depth := 1; depth > 0; {
		t, err := d.token()
		if err == io.EOF {
			return refuse(d.line(), "", "damaged", "cut off inside an element")
		}
		if err != nil {
			return err
		}
		switch t.(type) {
		case xml.StartElement:
			depth++
		case xml.EndElement:
			depth--
		}
	}
	return nil
}

// node is one element with what is in it.
type node struct {
	name     string
	text     string // trimmed
	currency string // attribute Ccy
	children []*node
	line     int
}

// maxNodes bounds the elements of one tree.
const maxNodes = 5_000

// node reads the element that was just opened.
func (d *document) node(start xml.StartElement) (*node, error) {
	size, count := 0, 0
	return d.nodeWithin(start, &size, &count)
}

func (d *document) nodeWithin(start xml.StartElement, size, count *int) (*node, error) {
	n := &node{name: start.Name.Local, line: d.line()}
	for _, a := range start.Attr {
		if a.Name.Local == "Ccy" && a.Name.Space == "" {
			n.currency = a.Value
		}
	}
	if *count++; *count > maxNodes {
		return nil, refuse(d.line(), n.name, "too_large", "more than %d elements in one", maxNodes)
	}
	single := singles[n.name]
	var text []byte
	for {
		t, err := d.token()
		if err == io.EOF {
			return nil, refuse(d.line(), n.name, "damaged", "cut off inside %s", n.name)
		}
		if err != nil {
			return nil, err
		}
		switch t := t.(type) {
		case xml.EndElement:
			text = bytes.TrimSpace(text)
			if len(text) > 0 && len(n.children) > 0 {
				return nil, refuse(n.line, n.name, "damaged", "text beside elements in %s", n.name)
			}
			n.text = string(text)
			return n, nil
		case xml.CharData:
			if *size += len(t); *size > maxNodeText {
				return nil, refuse(d.line(), n.name, "too_large", "more than %d KB of text in one element", maxNodeText>>10)
			}
			text = append(text, t...)
		case xml.StartElement:
			if t.Name.Space != d.space {
				if n.name != "Envlp" && n.name != "SplmtryData" {
					return nil, refuse(d.line(), t.Name.Local, "wrong_namespace", "the element is in another namespace than the document")
				}
				if err := d.skip(); err != nil {
					return nil, err
				}
				continue
			}
			if single[t.Name.Local] && n.child(t.Name.Local) != nil {
				return nil, refuse(d.line(), n.name+"/"+t.Name.Local, "duplicate_element", "%s may stand once in %s", t.Name.Local, n.name)
			}
			child, err := d.nodeWithin(t, size, count)
			if err != nil {
				return nil, err
			}
			n.children = append(n.children, child)
		}
	}
}

// child returns the first child of that name, or nil. A nil node has none.
func (n *node) child(name string) *node {
	if n == nil {
		return nil
	}
	for _, c := range n.children {
		if c.name == name {
			return c
		}
	}
	return nil
}

// at follows a path of first children: "CdOrPrtry/Cd".
func (n *node) at(path string) *node {
	for name := range strings.SplitSeq(path, "/") {
		n = n.child(name)
	}
	return n
}

// value is the text at a path, "" where there is none.
func (n *node) value(paths ...string) string {
	for _, path := range paths {
		if found := n.at(path); found != nil && found.text != "" {
			return found.text
		}
	}
	return ""
}

// all calls f for each child of that name.
func (n *node) all(name string, f func(*node)) {
	if n == nil {
		return
	}
	for _, c := range n.children {
		if c.name == name {
			f(c)
		}
	}
}
