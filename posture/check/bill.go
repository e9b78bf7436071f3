package check

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"

	"github.com/fnvet/fnvet"
	"github.com/fnvet/fnvet/posture/model"
)

func itoa(n int) string { return strconv.Itoa(n) }

// A Bill is what a function costs when it runs all the time as often as it may, in
// the currency of the prices.
type Bill struct {
	Function    string
	MemoryMB    int
	TimeoutS    int
	Concurrency int
	// Limited is false when the concurrency is that of the account.
	Limited bool
	Hour    float64
	Day     float64
}

// Bills are the worst cases of a model's functions whose size is known; not of Azure's. Per
// second: memory in GB × concurrency × the price of a GB-second, and concurrency ÷
// timeout requests, each of which runs until it times out.
func Bills(m *model.Model, ctx Context) []Bill {
	r := &run{m: m, ctx: ctx}
	if r.ctx.Account <= 0 {
		r.ctx.Account = accountConcurrency
	}
	var out []Bill
	for _, f := range m.Functions {
		if b, ok := r.billOf(f); ok {
			out = append(out, b)
		}
	}
	return out
}

func (r *run) billOf(f *model.Function) (Bill, bool) {
	switch f.Cloud {
	case "", model.AWS:
	case model.Google:
		return r.googleBill(f)
	default:
		return Bill{}, false // Azure charges by the plan, which an app does not state
	}
	memory, ok1 := f.MemoryMB.Or(128)
	timeout, ok2 := f.TimeoutS.Or(3)
	limit, ok3 := f.Concurrency.Or(r.ctx.Account)
	architecture := "x86_64"
	if len(f.Architectures.Items) == 1 && !f.Architectures.Open {
		architecture, _ = f.Architectures.Items[0].Literal()
	}
	price, ok4 := r.ctx.Prices.Of(cmp.Or(r.ctx.Region, r.m.Region), architecture)
	if !ok1 || !ok2 || !ok3 || !ok4 || timeout < 1 || timeout > lambdaBudget || memory < 1 || limit < 0 {
		return Bill{}, false
	}
	second := float64(limit) * (float64(memory)/1024*price.GBSecond + price.Request/float64(timeout))
	return Bill{Function: f.ID, MemoryMB: memory, TimeoutS: timeout, Concurrency: limit, Limited: !f.Concurrency.Absent(), Hour: 3600 * second, Day: 86400 * second}, true
}

// processors are what a function of Google gets for its memory, in MB and vCPUs:
// https://cloud.google.com/functions/docs/configuring/memory
var processors = [...]struct {
	memory int
	vCPU   float64
}{{128, 0.083}, {256, 0.167}, {512, 0.333}, {1024, 0.583}, {2048, 1}, {8192, 2}, {16384, 4}, {32768, 8}}

// googleInstances is how many instances run at once where no limit is stated.
const googleInstances = 100

// googleBill is the worst case of a function or service of Google: memory and
// processors of all its instances, and as many requests as time out in them.
func (r *run) googleBill(f *model.Function) (Bill, bool) {
	memory, timeout, vCPU := 256, 60, 1.0
	image := !f.PackageType.Absent()
	if image {
		memory, timeout = 512, 300
	}
	memory, ok1 := f.MemoryMB.Or(memory)
	timeout, ok2 := f.TimeoutS.Or(timeout)
	limit, ok3 := f.Concurrency.Or(googleInstances)
	at, ok4 := f.PerInstance.Or(map[bool]int{true: 80, false: 1}[image])
	price, ok5 := r.ctx.Prices.Cloud("google")
	cpu, ok6 := r.ctx.Prices.Cloud("google-vcpu")
	if !ok1 || !ok2 || !ok3 || !ok4 || !ok5 || !ok6 || memory < 1 || timeout < 1 || limit < 0 || at < 0 {
		return Bill{}, false
	}
	if !image {
		for _, p := range processors {
			if vCPU = p.vCPU; memory <= p.memory {
				break
			}
		}
	}
	second := float64(limit) * (float64(memory)/1024*price.GBSecond + vCPU*cpu.GBSecond + float64(at)*price.Request/float64(timeout))
	return Bill{Function: f.ID, MemoryMB: memory, TimeoutS: timeout, Concurrency: limit, Limited: true, Hour: 3600 * second, Day: 86400 * second}, true
}

// costOf is the worst case as evidence.
func (r *run) costOf(f *model.Function) string {
	b, ok := r.billOf(f)
	if !ok {
		return ""
	}
	return fmt.Sprintf("; at worst %s an hour, %s a day (%d MB × %d at once)", r.money(b.Hour), r.money(b.Day), b.MemoryMB, b.Concurrency)
}

func (r *run) money(x float64) string {
	return r.ctx.Prices.Currency + " " + strconv.FormatFloat(x, 'f', 2, 64)
}

// bill reports the worst case of the stack. Functions without a limit of their own
// share the account's, so the dearest of them counts once for all.
func (r *run) bill() {
	bills := Bills(r.m, r.ctx)
	if len(bills) == 0 {
		return
	}
	var hour, shared float64
	var parts []string
	for _, b := range bills {
		if b.Limited {
			hour += b.Hour
		} else {
			shared = max(shared, b.Hour)
		}
		parts = append(parts, fmt.Sprintf("%s %s", b.Function, r.money(b.Hour)))
	}
	hour += shared
	f := r.m.FindFunction(bills[0].Function)
	where := at{pos: model.Pos{File: r.m.File}, resource: "stack", severity: fnvet.Info}
	if where.pos.File == "" {
		where.pos = model.Pos{File: f.File}
	}
	of := ""
	if d := r.ctx.Prices.AsOf(); r.old(d) {
		of = " of " + d
	}
	r.add(worstCaseBill, where, "%s an hour, %s a day at list prices%s; an hour each: %s", r.money(hour), r.money(24*hour), of, strings.Join(parts, ", "))
	for _, b := range bills {
		f := r.m.FindFunction(b.Function)
		limit := "the account's"
		switch {
		case b.Limited && f.Concurrency.Absent():
			limit = "the provider's"
		case b.Limited:
			limit = "its own"
		}
		r.add(worstCaseBill, at{pos: f.Pos, resource: f.ID, severity: fnvet.Info}, "%s an hour, %s a day: %d MB × %d s × %d at once (%s limit)", r.money(b.Hour), r.money(b.Day), b.MemoryMB, b.TimeoutS, b.Concurrency, limit)
	}
}
