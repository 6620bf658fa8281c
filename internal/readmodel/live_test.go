package readmodel_test

import (
	"context"
	"fmt"
	"reflect"
	"strconv"
	"sync"
	"testing"
	"time"

	"socho/internal/readmodel"
	"socho/projections"
	"socho/projections/projtest"
)

// TestLive: figures that are kept up to date are those that are worked out anew,
// digests and events included, whatever was said in between.
func TestLive(t *testing.T) {
	t.Parallel()
	db, _, log, _ := folded(t, 3, 30)
	ctx := t.Context()
	live := readmodel.NewLive(db)
	same := func(when string) {
		t.Helper()
		for _, domain := range projections.Domains() {
			if want, err1 := db.LatestPeriod(ctx, domain); true {
				if got, err := live.LatestPeriod(ctx, domain); got != want || (err == nil) != (err1 == nil) {
					t.Errorf("%s: %s: latest %q, %v; want %q, %v", when, domain, got, err, want, err1)
				}
			}
			for _, q := range []projections.Query{{}, {Period: "2026-09"}, {Period: "2026-Q3", Unit: "08", Units: []string{"08001", "08003"}}, {Period: "2026", Unit: "08002"}, {Period: "2025-01"}} {
				q.Domain = domain
				agree(t, when, db, live, q)
				for _, by := range projections.Bys(domain) {
					q.By = by
					agree(t, when, db, live, q)
				}
			}
		}
	}
	fold := func() {
		t.Helper()
		if err := (&projections.Runner{Source: log, Store: db, Batch: 5}).Fold(ctx); err != nil {
			t.Fatal(err)
		}
		time.Sleep(readmodel.LiveAge)
	}
	same("at first")
	same("asked again")
	log.Fee("cho-0", "x1", "A1")
	wrong := log.Pay("cho-0", "x1", "2026-09-30", "qr", "1000")
	fold()
	same("with one more")
	log.Reverse("cho-0", "2026-09-30", wrong)
	fold()
	same("with that taken back")
	log.Market("cho-1", "08003", "2026-01-01")
	log.Market("cho-new", "08001", "2026-01-01")
	log.Fee("cho-new", "x2", "A1")
	log.Pay("cho-new", "x2", "2026-10-31", "cash", "1000")
	log.Entitle("quy-0", "p-new", "2026-09", "08001", "500000")
	fold()
	same("with another market, and one that has moved")
}

// TestLiveTogether: many who ask while payments come see each of them once, and
// none of them goes away again.
func TestLiveTogether(t *testing.T) {
	t.Parallel()
	db, _ := open(t)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	log := projtest.New(t, 2)
	log.Market("cho", "08001", "2026-01-01")
	log.Fee("cho", "b1", "A1")
	live := readmodel.NewLive(db)
	q := projections.Query{Domain: projections.Fees, By: projections.ByCount, Period: "2026-09"}
	var asking sync.WaitGroup
	for n := range 4 {
		asking.Go(func() {
			for least := 0; ctx.Err() == nil; {
				figures, total := []projections.Figure(nil), 0
				var err error
				if n%2 == 0 {
					figures, total, err = live.Behind(ctx, q, 0, 5)
				} else {
					figures, err = live.Trend(ctx, q, 1)
				}
				if err != nil {
					if ctx.Err() == nil {
						t.Error(err)
					}
					return
				}
				count, err := strconv.Atoi(figures[0].Denominator)
				if err != nil || count < least || n%2 == 0 && count > 0 && total != count+1 {
					t.Errorf("%d payments after %d, %d events, %v", count, least, total, err)
				}
				least = count
			}
		})
	}
	const payments = 30
	for range payments {
		log.Pay("cho", "b1", "2026-09-30", "qr", "1000")
		if err := (&projections.Runner{Source: log, Store: db}).Fold(ctx); err != nil {
			t.Fatal(err)
		}
	}
	time.Sleep(readmodel.LiveAge)
	if figures, err := live.Figures(ctx, q); err != nil || figures[0].Denominator != strconv.Itoa(payments) {
		t.Errorf("%+v, %v", figures, err)
	}
	stop()
	asking.Wait()
}

func agree(t *testing.T, when string, db *readmodel.DB, live *readmodel.Live, q projections.Query) {
	t.Helper()
	ctx := t.Context()
	what := fmt.Sprintf("%s: %+v", when, q)
	want, err := db.Figures(ctx, q)
	if err != nil {
		t.Fatal(what, err)
	}
	for _, from := range []int{0, 3, 1_000_000} {
		got, total, err := live.Behind(ctx, q, from, 7)
		if err != nil {
			t.Fatal(what, err)
		}
		for i := range want {
			f := want[i]
			if from = min(from, len(f.Events)); from == len(f.Events) {
				from = 0
			}
			all := len(f.Events)
			f.Events = f.Events[from:min(from+7, all)]
			if len(f.Events) == 0 {
				f.Events = nil
			}
			if len(got[i].Events) == 0 {
				got[i].Events = nil
			}
			if !reflect.DeepEqual(got[i], f) || len(want) == 1 && total != all {
				t.Errorf("%s from %d: got %d\n%+v\nwant %d\n%+v", what, from, total, got[i], all, f)
			}
		}
	}
	trend, err := db.Trend(ctx, q, 4)
	trend = bare(trend)
	if got, err1 := live.Trend(ctx, q, 4); err != nil || err1 != nil || !reflect.DeepEqual(bare(got), trend) {
		t.Errorf("%s: trend\n%+v %v\nwant\n%+v %v", what, got, err1, trend, err)
	}
	units, err := db.Breakdown(ctx, q)
	units = bare(units)
	if got, err1 := live.Breakdown(ctx, q); err != nil || err1 != nil || !reflect.DeepEqual(bare(got), units) {
		t.Errorf("%s: units\n%+v %v\nwant\n%+v %v", what, got, err1, units, err)
	}
}

func bare(figures []projections.Figure) []projections.Figure {
	for i := range figures {
		figures[i].Digest = ""
	}
	if len(figures) == 0 {
		return nil
	}
	return figures
}
