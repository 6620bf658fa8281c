package web

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strconv"
)

//go:embed static/*
var staticFiles embed.FS

// assets are the files that pages refer to, each under an address that holds
// its checksum, so that a browser may keep it for ever.
type assets struct {
	content map[string][]byte
	packed  map[string][]byte // the same, for browsers that take it so
	sum     map[string]string
}

func loadAssets() (*assets, error) {
	a := &assets{map[string][]byte{}, map[string][]byte{}, map[string]string{}}
	names, err := fs.Glob(staticFiles, "static/*")
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		b, err := staticFiles.ReadFile(name)
		if err != nil {
			return nil, err
		}
		sum := sha256.Sum256(b)
		a.content[path.Base(name)], a.packed[path.Base(name)] = b, compress(b)
		a.sum[path.Base(name)] = hex.EncodeToString(sum[:8])
	}
	return a, nil
}

// address is where a file is served.
func (a *assets) address(name string) string { return "/assets/" + a.sum[name] + "/" + name }

func (a *assets) serve(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("name")
	content, ok := a.content[name]
	if !ok || r.PathValue("sum") != a.sum[name] {
		plain(w, http.StatusNotFound, "not found\n")
		return
	}
	w.Header().Set("Content-Type", mime.TypeByExtension(path.Ext(name)))
	w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	w.Header().Set("Vary", "Accept-Encoding")
	if accepts(r) {
		w.Header().Set("Content-Encoding", "gzip")
		content = a.packed[name]
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(content)))
	if r.Method != http.MethodHead {
		w.Write(content) //nolint:errcheck // the visitor has left
	}
}

// keeper is where browsers find the script that shows kept pages without network.
// It has no checksum: they look there for its next version.
const keeper = "/offline-worker.js"

func (a *assets) keeper(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", mime.TypeByExtension(".js"))
	w.Header().Set("Cache-Control", "no-cache")
	w.Write(a.content["worker.js"]) //nolint:errcheck // the visitor has left
}
