package receiptpdf_test

import (
	"bytes"
	"image/png"
	"os"
	"testing"
	"time"

	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/qrcode"

	"socho/events"
	"socho/internal/receiptpdf"
	"socho/ledger"
	"socho/ledger/proof"
	"socho/qr"
)

// scanned draws a text as the page does, and reads it back.
func scanned(t *testing.T, text string) string {
	t.Helper()
	b, err := qr.PNG(text, qr.ImageOptions{Level: qr.LevelL, ModulePixels: 4})
	if err != nil {
		t.Fatal(err)
	}
	picture, err := png.Decode(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	bitmap, err := gozxing.NewBinaryBitmapFromImage(picture)
	if err != nil {
		t.Fatal(err)
	}
	result, err := qrcode.NewQRCodeReader().Decode(bitmap, nil)
	if err != nil {
		t.Fatal(err)
	}
	return result.GetText()
}

func TestPrint(t *testing.T) {
	line, err := proof.GenerateKey(bytes.NewReader(make([]byte, 32)), "socho-TEST", false)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := proof.ParseSigner(line, nil)
	if err != nil {
		t.Fatal(err)
	}
	keys, err := proof.ParseKeys(signer.Public())
	if err != nil {
		t.Fatal(err)
	}
	value, err := os.ReadFile("../../events/testdata/golden/vn.socho.market.fee_assessed.v1.logged.json")
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string][]byte{"event": bytes.TrimSpace(value), "no event": []byte("{")} {
		record := events.Record{Key: []byte("hg-cho-dong-van"), Value: value}
		leaf := proof.Leaf{RecordedAt: time.Unix(1790000000, 0).UTC(), RecordHash: record.Hash(), Status: ledger.Posted, Code: "overpaid"}
		c, err := proof.Sign(proof.Checkpoint{Origin: proof.Origin("socho-TEST", 0), Size: 1, Root: leaf.Hash()}, signer)
		if err != nil {
			t.Fatal(err)
		}
		r, err := proof.New(&record, leaf, nil, c, false, keys)
		if err != nil {
			t.Fatal(err)
		}
		compact, err := r.Compact()
		if err != nil {
			t.Fatal(err)
		}
		if got := scanned(t, compact); got != compact {
			t.Errorf("%s: the QR code reads %q", name, got)
		}
		for _, text := range []string{compact, ""} {
			first, err := receiptpdf.Print(r, text)
			if err != nil {
				t.Fatal(err)
			}
			again, err := receiptpdf.Print(r, text)
			if err != nil || !bytes.Equal(first, again) || !bytes.HasPrefix(first, []byte("%PDF-")) {
				t.Errorf("%s: %d bytes, then %d, %v", name, len(first), len(again), err)
			}
			if len(first) > 200<<10 {
				t.Errorf("%s: %d bytes; the font is not cut down to what is used", name, len(first))
			}
			if dir := os.Getenv("SOCHO_KEEP"); dir != "" && name == "event" && text != "" {
				os.WriteFile(dir+"/receipt.pdf", first, 0o644) //nolint:errcheck // for looking at
			}
		}
	}
}
