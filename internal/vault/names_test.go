package vault_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"socho/internal/devstack/testdb"
	"socho/internal/vault"
)

// A person is found by any words of a name as people type them, in their own
// organization alone, and not at all once the identity key is destroyed.
func TestNames(t *testing.T) {
	url := testdb.Database(t, "vault", migrate)
	v, conn := open(t, url)
	sealer(t, v, vault.Ref{Organization: "hg-cho", Person: "p-1"}, vault.Ref{Organization: "hg-cho", Person: "p-2"}, vault.Ref{Organization: "hg-khac", Person: "p-1"})
	remember := func(names ...vault.Name) {
		t.Helper()
		if err := v.Remember(t.Context(), names); err != nil {
			t.Fatal(err)
		}
	}
	remember(vault.Name{"hg-cho", "p-1", "Nguyễn Thị Đào"}, vault.Name{"hg-cho", "p-2", "NGUYEN VĂN  Mỷ"}, vault.Name{"hg-khac", "p-1", "Vàng A Pó"},
		vault.Name{"hg-cho", "p-none", "Không Có Khóa"})
	find := func(organization, text, want string) {
		t.Helper()
		found, err := v.Find(t.Context(), organization, text, 10)
		if err != nil || strings.Join(found, " ") != want {
			t.Errorf("%s, %q: %q, %v; want %q", organization, text, found, err, want)
		}
	}
	for _, c := range []struct{ text, want string }{
		{"nguyen", "p-1 p-2"}, {"Nguyễn  đào", "p-1"}, {"dao nguyen", "p-1"}, {"Nguyễn thị dao", "p-1"}, {"ngu", "p-1 p-2"}, {"NGUYE m\u01b0\u0301", ""},
		{"my", "p-2"}, {"ng", ""}, {"uyen", ""}, {"dao dao", "p-1"}, {"dao hoa", ""}, {"", ""}, {" .- ", ""}, {"pó", ""}, {"không", ""},
		{"Nguye\u0302\u0303n Va\u0306n", "p-2"}, // the letters taken apart
	} {
		find("hg-cho", c.text, c.want)
	}
	find("hg-khac", "a po", "p-1")
	if found, err := v.Find(t.Context(), "hg-cho", "nguyen", 1); err != nil || len(found) != 1 {
		t.Errorf("one of them: %v, %v", found, err)
	}
	// The table holds nothing that a reader of the database understands.
	var all []byte
	if err := conn.QueryRow(t.Context(), `SELECT string_agg(token, '') FROM private.name_sets, unnest(tokens) AS token`).Scan(&all); err != nil || bytes.Contains(bytes.ToLower(all), []byte("dao")) || len(all)%12 != 0 {
		t.Errorf("%d bytes, %v", len(all), err)
	}
	if err := v.Erase(t.Context(), "hg-cho", "p-1", vault.ScopeContact); err != nil {
		t.Fatal(err)
	}
	find("hg-cho", "dao", "p-1") // accounting still needs to know her
	if err := v.Erase(t.Context(), "hg-cho", "p-1", vault.ScopeAll); err != nil {
		t.Fatal(err)
	}
	find("hg-cho", "dao", "")
	find("hg-cho", "nguyen", "p-2")
	find("hg-khac", "a po", "p-1") // another office's person of that id
	remember(vault.Name{"hg-cho", "p-1", "Nguyễn Thị Đào"}, vault.Name{"hg-cho", "p-1", "Tên Mới"})
	other, _ := open(t, url) // which knows of no name that is there already
	if err := other.Remember(t.Context(), []vault.Name{{"hg-cho", "p-1", "Nguyễn Thị Đào"}}); err != nil {
		t.Fatal(err)
	}
	var left int
	if err := conn.QueryRow(t.Context(), `SELECT count(*) FROM private.name_sets WHERE organization = 'hg-cho' AND person = 'p-1'`).Scan(&left); err != nil || left != 0 {
		t.Errorf("%d rows of an erased person, %v", left, err)
	}
}

// Who could be found before the table had a row for each person can be found after.
func TestNamesMigrate(t *testing.T) {
	url := testdb.Database(t, "vault", migrate)
	v, conn := open(t, url)
	sealer(t, v, vault.Ref{Organization: "hg-cho", Person: "p-1"}, vault.Ref{Organization: "hg-cho", Person: "p-2"})
	if err := v.Remember(t.Context(), []vault.Name{{"hg-cho", "p-1", "Nguyễn Thị Đào"}, {"hg-cho", "p-2", "Nguyễn Mỷ"}}); err != nil {
		t.Fatal(err)
	}
	for _, sql := range []string{
		`ALTER TABLE private.name_sets RENAME TO kept`, `ALTER INDEX private.name_sets_tokens RENAME TO kept_tokens`,
		`ALTER INDEX private.name_sets_pkey RENAME TO kept_pkey`, vault.MigrationNames,
		`INSERT INTO private.names (organization, token, person) SELECT organization, unnest(tokens), person FROM private.kept`, vault.MigrationNameSets,
	} {
		if _, err := conn.Exec(t.Context(), sql); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
	}
	for text, want := range map[string]string{"dao nguyen": "p-1", "nguyen": "p-1 p-2", "my": "p-2", "hoa": ""} {
		if found, err := v.Find(t.Context(), "hg-cho", text, 10); err != nil || strings.Join(found, " ") != want {
			t.Errorf("%s: %v, %v; want %s", text, found, err, want)
		}
	}
}

// Nobody fills the table with one person.
func TestNamesAreBounded(t *testing.T) {
	v, conn := open(t, testdb.Database(t, "vault", migrate))
	sealer(t, v, vault.Ref{Organization: "hg-cho", Person: "p-1"})
	for i := range 40 {
		name := strings.Repeat(fmt.Sprintf("%c%czzzzzzzzzzzzzz ", 'a'+i%26, 'a'+i/26), 3) + strings.Repeat("x", 2000)
		if err := v.Remember(t.Context(), []vault.Name{{"hg-cho", "p-1", name}}); err != nil {
			t.Fatal(err)
		}
	}
	var rows int
	if err := conn.QueryRow(t.Context(), `SELECT count(*) FROM private.name_sets, unnest(tokens)`).Scan(&rows); err != nil || rows != 160 {
		t.Errorf("%d rows, %v", rows, err)
	}
}

// However erasing and remembering meet, nothing stays of the erased.
func TestNamesWhileErasing(t *testing.T) {
	url := testdb.Database(t, "vault", migrate)
	eraser, conn := open(t, url)
	for round := range 20 {
		person := fmt.Sprint("p-", round)
		sealer(t, eraser, vault.Ref{Organization: "hg-cho", Person: person})
		writers := make([]*vault.Vault, 3)
		for i := range writers {
			writers[i], _ = open(t, url)
		}
		var all sync.WaitGroup
		for i, w := range writers {
			all.Go(func() {
				for n := range 5 {
					if err := w.Remember(t.Context(), []vault.Name{{"hg-cho", person, fmt.Sprintf("Tên %c%c", 'a'+i, 'a'+n)}}); err != nil {
						t.Error(err)
					}
				}
			})
		}
		time.Sleep(time.Duration(round) * time.Millisecond / 2)
		if err := eraser.Erase(t.Context(), "hg-cho", person, vault.ScopeAll); err != nil {
			t.Fatal(err)
		}
		all.Wait()
		var left int
		if err := conn.QueryRow(t.Context(), `SELECT count(*) FROM private.name_sets WHERE person = $1`, person).Scan(&left); err != nil || left != 0 {
			t.Fatalf("round %d: %d rows, %v", round, left, err)
		}
	}
}

func FuzzNames(f *testing.F) {
	for _, text := range []string{"Nguyễn Thị Đào", "", "a b c d e f g h i j k l m n", "\xff\xfe", "Đ", "𝔸 ﬁ", strings.Repeat("ộ", 500)} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		words := vault.Words(text)
		if len(words) > 12 || slices.ContainsFunc(words, func(w string) bool { return w == "" || len([]rune(w)) > 32 || strings.Contains(w, " ") }) {
			t.Errorf("%q", words)
		}
		if again := vault.Words(strings.Join(words, " ")); !slices.Equal(again, words) {
			t.Errorf("%q, and again %q", words, again)
		}
	})
}
