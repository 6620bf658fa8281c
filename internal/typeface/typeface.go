// Package typeface holds the letters that everything on paper is set in: DejaVu
// Sans Condensed, which has every Vietnamese letter. NOTICE has its licence.
//
//	pdf.AddUTF8FontFromBytes("sans", "", typeface.Regular)
//	pdf.AddUTF8FontFromBytes("sans", "B", typeface.Bold)
//
// A PDF carries only the letters that it uses.
package typeface

import _ "embed"

// The two weights, as TrueType. Whoever changes them changes them for all.
var (
	//go:embed DejaVuSansCondensed.ttf
	Regular []byte
	//go:embed DejaVuSansCondensed-Bold.ttf
	Bold []byte
)
