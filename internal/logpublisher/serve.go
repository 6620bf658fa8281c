package logpublisher

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"socho/ledger/proof"
)

// Handler serves a published log, read-only, as https://c2sp.org/tlog-tiles asks:
// /<shard>/checkpoint and so on. Whoever may read it reads every fact: amounts
// and opaque ids in clear, personal fields sealed.
func Handler(dir string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, "the log is read-only", http.StatusMethodNotAllowed)
			return
		}
		number, path, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
		shard, err := strconv.Atoi(number)
		if err != nil || shard < 0 || strconv.Itoa(shard) != number || !proof.PathValid(path) && path != proof.CosignedPath {
			http.NotFound(w, r)
			return
		}
		file, err := os.Open(filepath.Join(ShardDir(dir, shard), filepath.FromSlash(path)))
		if errors.Is(err, fs.ErrNotExist) {
			http.NotFound(w, r)
			return
		}
		if err != nil {
			http.Error(w, "the log cannot be read at present", http.StatusInternalServerError)
			return
		}
		defer file.Close()
		h := w.Header()
		h.Set("X-Content-Type-Options", "nosniff")
		switch {
		case path == proof.CheckpointPath || path == proof.CosignedPath:
			h.Set("Content-Type", "text/plain; charset=utf-8")
			h.Set("Cache-Control", "public, max-age=1")
		case proof.Partial(path): // never changes, but goes when a wider one is there
			h.Set("Content-Type", "application/octet-stream")
			h.Set("Cache-Control", "public, max-age=3600")
		default:
			h.Set("Content-Type", "application/octet-stream")
			h.Set("Cache-Control", "public, max-age=31536000, immutable")
		}
		http.ServeContent(w, r, "", time.Time{}, file)
	})
}

// Bounds on reading a log from elsewhere.
const (
	fetchTime  = 30 * time.Second
	fetchBytes = 512 << 20 // the largest record bundle there can be, generously
	maxShards  = 1 << 14
)

// Source is a published log to be read: a folder, or an address that one is
// served at.
type Source struct {
	location string
	remote   bool
	client   *http.Client
}

// NewSource takes a folder or an http(s) address, that above the shards.
func NewSource(location string) *Source {
	remote := strings.HasPrefix(location, "http://") || strings.HasPrefix(location, "https://")
	return &Source{strings.TrimRight(location, "/"), remote, &http.Client{Timeout: fetchTime}}
}

// Read reads one shard's files.
func (s *Source) Read(ctx context.Context, shard int) proof.Read {
	if !s.remote {
		return Reader(s.location, shard)
	}
	return func(path string) ([]byte, error) {
		return s.fetch(ctx, fmt.Sprintf("%s/%d/%s", s.location, shard, path))
	}
}

func (s *Source) fetch(ctx context.Context, address string) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	response, err := s.client.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	switch response.StatusCode {
	case http.StatusOK:
	case http.StatusNotFound:
		return nil, fmt.Errorf("%s: %w", address, fs.ErrNotExist)
	default:
		return nil, fmt.Errorf("%s answers %s", address, response.Status)
	}
	b, err := io.ReadAll(io.LimitReader(response.Body, fetchBytes+1))
	if err == nil && len(b) > fetchBytes {
		err = fmt.Errorf("%s is larger than any file of a log", address)
	}
	return b, err
}

// Files lists a shard's files; nil where they cannot be listed.
func (s *Source) Files(shard int) ([]string, error) {
	if s.remote {
		return nil, nil
	}
	return List(s.location, shard)
}

// Shards counts the shards: 0, 1, … up to the first without a checkpoint.
// Errors: none is there.
func (s *Source) Shards(ctx context.Context) (int, error) {
	for shard := range maxShards {
		_, err := s.Read(ctx, shard)(proof.CheckpointPath)
		if errors.Is(err, fs.ErrNotExist) {
			if shard == 0 {
				return 0, fmt.Errorf("%s holds no published log; expected the folder or address above the shards, such as ./data/log or https://…/log", s.location)
			}
			return shard, nil
		}
		if err != nil {
			return 0, err
		}
	}
	return maxShards, nil
}
