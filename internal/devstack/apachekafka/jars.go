// Package apachekafka runs a cluster of the real Apache Kafka on loopback, for
// tests and trials: brokers in KRaft mode, their jars through Maven, each a
// process that can be killed and started again. Production runs its own.
//
//	jars, err := apachekafka.Jars(ctx)             // ErrNone where there is no Java or no Maven
//	c, err := apachekafka.Start(ctx, apachekafka.Options{Dir: dir, Jars: jars})
//	defer c.Close()
//	client := kafka.New(c.Addrs(), kafka.Options{MinInSync: 2})
//	c.Kill(1)                                      // kill -9
//	err = c.StartBroker(ctx, 1)
package apachekafka

import (
	"bytes"
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

//go:embed pom.xml
var pom []byte

// Version is the release of Apache Kafka that pom.xml names.
const Version = "4.2.0"

// ErrNone says that this machine cannot run Apache Kafka: no Java, no Maven,
// or its repository is out of reach.
var ErrNone = errors.New("no Apache Kafka here")

// Jars returns the folder of the jars, fetched once and kept in the user's
// cache. Errors: ErrNone, with the reason.
func Jars(ctx context.Context) (string, error) {
	for _, program := range []string{"java", "mvn"} {
		if _, err := exec.LookPath(program); err != nil {
			return "", fmt.Errorf("%w: %w", ErrNone, err)
		}
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrNone, err)
	}
	sum := sha256.Sum256(pom)
	dir := filepath.Join(cache, "socho", "kafka-"+Version+"-"+hex.EncodeToString(sum[:4]))
	if _, err := os.Stat(dir); err == nil {
		return dir, nil
	}
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return "", err
	}
	// Fetched beside, and renamed when all of it is there.
	fresh, err := os.MkdirTemp(filepath.Dir(dir), "fetching-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(fresh)
	if err := os.WriteFile(filepath.Join(fresh, "pom.xml"), pom, 0o644); err != nil {
		return "", err
	}
	mvn := exec.CommandContext(ctx, "mvn", "-q", "-B", "dependency:copy-dependencies", "-DoutputDirectory=jars")
	mvn.Dir = fresh
	var said bytes.Buffer
	mvn.Stdout, mvn.Stderr = &said, &said
	if err := mvn.Run(); err != nil {
		return "", fmt.Errorf("%w: mvn: %w\n%s", ErrNone, err, said.Bytes())
	}
	if err := os.Rename(filepath.Join(fresh, "jars"), dir); err != nil {
		if _, there := os.Stat(dir); there == nil {
			return dir, nil // another process was faster
		}
		return "", err
	}
	return dir, nil
}
