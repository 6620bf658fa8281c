package events

import (
	"os"
	"testing"
)

func BenchmarkDecode(b *testing.B) {
	value, err := os.ReadFile(goldenDir + "/vn.socho.market.fee_assessed.v1.logged.json")
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(value)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Decode(value); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDecodePayment(b *testing.B) {
	b.SetBytes(int64(len(payment)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Decode([]byte(payment)); err != nil {
			b.Fatal(err)
		}
	}
}
