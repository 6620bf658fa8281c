package devstack

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// keepDamaged looks through the broker's segments before the broker does, and copies what it is about to cut off:
// at start it truncates each segment at the first batch that is incomplete or fails its checksum, and everything
// behind that batch is gone, sound or not. The copies go to kept/TIME/PARTITION/BASE.dat.from-POSITION.
//
// It repairs nothing: whether anything that mattered was lost, the ledger's continuity proof finds out.
//
// A crash during a copy leaves the segment as it was; the next start copies again, under another time.
func keepDamaged(brokerDir, kept string, log *slog.Logger) error {
	segments, err := filepath.Glob(filepath.Join(brokerDir, "partitions", "*", "*.dat"))
	if err != nil {
		return err
	}
	now := time.Now().UTC().Format("20060102T150405.000")
	for _, segment := range segments {
		b, err := os.ReadFile(segment)
		if err != nil {
			return err
		}
		sound := soundPrefix(b)
		if sound == len(b) {
			continue
		}
		partition := filepath.Base(filepath.Dir(segment))
		dir := filepath.Join(kept, now, partition)
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return err
		}
		path := filepath.Join(dir, filepath.Base(segment)+".from-"+strconv.Itoa(sound))
		f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
		if err != nil {
			return err
		}
		_, err = f.Write(b[sound:])
		if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
			return fmt.Errorf("keeping a copy of damaged data: %w", err)
		}
		log.Warn("the broker's log is damaged; it goes on from the last sound batch, and a copy of the rest is kept",
			"partition", partition, "segment", strings.TrimSuffix(filepath.Base(segment), ".dat"),
			"sound_bytes", sound, "damaged_bytes", len(b)-sound, "copy", path)
	}
	return nil
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// soundPrefix is how many bytes of a segment are whole record batches with the right checksum: what the broker will
// keep. A batch is an offset (8 bytes), the length of the rest (4), and in the rest, from byte 17, a CRC-32C of all
// that follows it (https://kafka.apache.org/documentation/#recordbatch).
func soundPrefix(b []byte) int {
	pos := 0
	for len(b)-pos >= 61 {
		size := 12 + int(binary.BigEndian.Uint32(b[pos+8:]))
		if size < 61 || size > len(b)-pos {
			break
		}
		batch := b[pos : pos+size]
		if binary.BigEndian.Uint32(batch[17:]) != crc32.Checksum(batch[21:], castagnoli) {
			break
		}
		pos += size
	}
	return pos
}
