package kafka

import (
	"fmt"
	"testing"

	kafkago "github.com/segmentio/kafka-go"
	"pgregory.net/rapid"
)

// The vectors of org.apache.kafka.common.utils.UtilsTest.testMurmur2, and the two hashes whose sign matters.
func TestMurmur2(t *testing.T) {
	for _, tc := range []struct {
		in   string
		want int32
	}{
		{"21", -973932308},
		{"foobar", -790332482},
		{"a-little-bit-long-string", -985981536},
		{"a-little-bit-longer-string", -1486304829},
		{"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971},
		{"abc", 479470107},
	} {
		if got := int32(murmur2([]byte(tc.in))); got != tc.want {
			t.Errorf("murmur2(%q) = %d, want %d", tc.in, got, tc.want)
		}
	}
}

func TestPartition(t *testing.T) {
	for n, want := range map[int]int{0: 0, -3: 0, 1: 0, 8: 6, 64: 62} {
		// murmur2("foobar") = −790332482; with the sign bit masked 1357151166
		if got := Partition([]byte("foobar"), n); got != want {
			t.Errorf("Partition(foobar, %d) = %d, want %d", n, got, want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		key := rapid.SliceOfN(rapid.Byte(), 1, 40).Draw(t, "key")
		n := rapid.IntRange(1, 200).Draw(t, "n")
		all := make([]int, n)
		for i := range all {
			all[i] = i
		}
		want := kafkago.Murmur2Balancer{Consistent: true}.Balance(kafkago.Message{Key: key}, all...)
		if got := Partition(key, n); got != want {
			t.Fatalf("Partition(%x, %d) = %d, kafka-go says %d", key, n, got, want)
		}
	})
}

func ExamplePartition() {
	fmt.Println(Partition([]byte("hg-cho-dong-van"), 8), Partition([]byte("hg-quy-an-sinh"), 64))
	// Output: 1 36
}
