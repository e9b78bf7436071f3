package check

import (
	"slices"
	"strings"

	"github.com/fnvet/fnvet"
	"github.com/fnvet/fnvet/posture/model"
)

// concurrency judges functions without a limit of their own. That alone is only
// advice: of public templates nearly none has one.
func (r *run) concurrency() {
	apps := map[string]bool{}
	for _, f := range r.m.Functions {
		if f.Cloud == model.Azure && (f.App == "" || apps[f.App]) || !f.Concurrency.Absent() || f.Concurrency.Open {
			continue
		}
		apps[f.App] = true
		a := r.about[f.ID]
		where := at{pos: f.Pos, resource: appOf(f), severity: fnvet.Info}
		cost := r.costOf(f)
		if a.public && !r.throttled(f) {
			where.severity = fnvet.Medium
			if f.Cloud == model.Google || f.Cloud == model.Azure {
				where.severity = fnvet.Low // those have a limit by default, of 100 or 200
			}
			r.add(noConcurrency, where, "%s takes any number of requests%s", a.how, cost)
			continue
		}
		r.add(noConcurrency, where, "no limit of its own%s", cost)
	}
}

// throttled reports whether all ways in for the public have a limit of requests, or
// one that is not known.
func (r *run) throttled(f *model.Function) bool {
	if f.Endpoint != nil && endpointOpen(f.Endpoint) {
		return false
	}
	limited := false
	for _, api := range r.m.APIs {
		for _, route := range r.routesTo(api, f) {
			if !r.routeOpen(api, route) {
				continue
			}
			if !throttles(api, route) {
				return false
			}
			limited = true
		}
	}
	return limited
}

func (r *run) routesTo(api *model.API, f *model.Function) []*model.Route {
	var out []*model.Route
	for _, route := range api.Routes {
		if route.Function == f.ID && !route.Preflight {
			out = append(out, route)
		}
	}
	for _, t := range f.Triggers {
		if t.API == api.ID && api.ID != "" && t.Route != nil && !t.Route.Preflight {
			out = append(out, t.Route)
		}
	}
	return out
}

func throttles(api *model.API, route *model.Route) bool {
	if sane(route.Throttle) || api.Open {
		return true
	}
	return slices.ContainsFunc(api.Stages, func(s *model.Stage) bool { return sane(s.Throttle) })
}

// absurdRate is the account's own limit of API Gateway: a throttle of as much is none.
const absurdRate = 10000

// sane reports whether a throttle limits anything. One that is not known does.
func sane(t *model.Throttle) bool {
	if t == nil {
		return false
	}
	if t.Rate.Open || t.Burst.Open {
		return true
	}
	rate, ok := t.Rate.Known()
	return ok && rate > 0 && rate < absurdRate
}

// throttles judges the stages of public APIs.
func (r *run) throttles() {
	for _, api := range r.m.APIs {
		if !r.publicAPI(api) || api.Kind != model.REST && api.Kind != model.HTTP && api.Kind != model.WebSocket {
			continue
		}
		if slices.ContainsFunc(api.Routes, func(x *model.Route) bool { return sane(x.Throttle) }) || slices.ContainsFunc(api.Stages, func(s *model.Stage) bool { return sane(s.Throttle) }) {
			continue
		}
		where := at{pos: api.Pos, resource: api.ID}
		text := "no limit of requests but the account's own"
		for _, s := range api.Stages {
			if s.Throttle != nil {
				where.pos, text = model.At(s.Throttle.Pos, s.Pos), "a limit that limits nothing"
			} else if !s.Implicit && s.File != "" {
				where.pos = s.Pos
			}
		}
		r.add(noThrottle, where, "%s", text)
	}
}

// publicAPI reports whether anyone can send requests to an API.
func (r *run) publicAPI(api *model.API) bool {
	if slices.ContainsFunc(api.Routes, func(x *model.Route) bool { return !x.Preflight && r.routeOpen(api, x) }) {
		return true
	}
	for _, f := range r.m.Functions {
		for _, t := range f.Triggers {
			if t.API == api.ID && t.Route != nil && !t.Route.Preflight && r.routeOpen(api, t.Route) {
				return true
			}
		}
	}
	return false
}

// guards advises a firewall and a budget where anyone can call.
func (r *run) guards() {
	public := ""
	for _, f := range r.m.Functions {
		if a := r.about[f.ID]; a.public && public == "" {
			public = f.ID
		}
	}
	for _, api := range r.m.APIs {
		if api.Kind != model.REST || !r.publicAPI(api) || r.m.Partial {
			continue
		}
		if !slices.ContainsFunc(api.Stages, func(s *model.Stage) bool { return !s.WAF.Absent() }) {
			r.add(noWAF, at{pos: api.Pos, resource: api.ID}, "no web ACL is attached to a stage")
		}
	}
	if public != "" && len(r.m.Budgets) == 0 && !r.m.Partial && r.m.Dialect != model.FunctionConfig {
		f := r.m.FindFunction(public)
		r.add(noBudget, at{pos: f.Pos, resource: public, severity: fnvet.Info}, "%s can be called by anyone", public)
	}
}

const (
	restTimeout  = 29  // seconds that API Gateway waits: REST and WebSocket APIs
	httpTimeout  = 30  // HTTP APIs
	longTimeout  = 300 // seconds over which a public request is costly
	lambdaBudget = 900 // the most that Lambda allows
)

// timeouts compares a function's with that of what waits for it.
func (r *run) timeouts() {
	for _, f := range r.m.Functions {
		timeout, ok := f.TimeoutS.Known()
		a := r.about[f.ID]
		if !ok {
			r.defaultTimeout(f)
			continue
		}
		where := at{pos: model.At(f.TimeoutS.Pos, f.Pos), resource: f.ID}
		if limit, api := r.apiLimit(f); limit > 0 && timeout > limit {
			where.severity = worse(fnvet.Low, timeout >= longTimeout && a.public)
			r.add(timeoutAPI, where, "%d s behind %s, which waits %d s", timeout, api, limit)
		} else if limit == 0 && a.public && timeout >= longTimeout && f.Cloud != model.Google {
			r.add(timeoutAPI, where, "%d s for each request of anyone", timeout)
		}
		r.schedules(f, timeout)
	}
}

// apiLimit is how long the APIs in front of a function wait, and one of them; 0
// when there is none, it is not known, or the function is called otherwise, too.
func (r *run) apiLimit(f *model.Function) (int, string) {
	limit, name := 0, ""
	for _, api := range r.m.APIs {
		for _, route := range r.routesTo(api, f) {
			wait := 0
			switch api.Kind {
			case model.REST, model.WebSocket, model.GraphQL:
				wait = restTimeout
			case model.HTTP:
				wait = httpTimeout
			default:
				continue
			}
			ms, known := route.WaitMS.Or(1000 * wait)
			if !known {
				return 0, ""
			}
			limit, name = max(limit, (ms+999)/1000), api.ID
		}
	}
	if limit == 0 {
		return 0, ""
	}
	for _, t := range f.Triggers {
		if t.Kind != fnvet.TriggerHTTP {
			return 0, "" // the other source may need the time
		}
	}
	if f.Endpoint != nil {
		return 0, ""
	}
	return limit, name
}

// defaultTimeout advises where Lambda's three seconds are wrong: a batch of messages.
func (r *run) defaultTimeout(f *model.Function) {
	if !f.TimeoutS.Absent() || f.Cloud != "" && f.Cloud != model.AWS {
		return
	}
	for _, t := range f.Triggers {
		switch t.Kind {
		case fnvet.TriggerQueue, fnvet.TriggerStream, fnvet.TriggerTable, fnvet.TriggerBucket:
			r.add(timeoutDefault, at{pos: f.Pos, resource: f.ID}, "the default of 3 s for what a %s brings", t.Kind)
			return
		default:
		}
	}
}

// schedules finds those that start a function before it must have ended.
func (r *run) schedules(f *model.Function, timeout int) {
	for _, t := range f.Triggers {
		if t.Kind != fnvet.TriggerSchedule {
			continue
		}
		s, ok := t.Schedule.Known()
		if every := interval(s); ok && every > 0 && every < timeout {
			r.add(scheduleOverlap, at{pos: model.At(t.Schedule.Pos, t.Pos), resource: f.ID, key: s, severity: fnvet.Low}, "every %d s, and it may run for %d s", every, timeout)
		}
	}
}

// queues judges SQS sources: AWS advises a visibility of six times the timeout.
func (r *run) queues() {
	for _, f := range r.m.Functions {
		for _, t := range f.Triggers {
			if t.Kind != fnvet.TriggerQueue {
				continue
			}
			for _, q := range r.m.Queues {
				if q.May(t.Source) && (q.Cloud == "" || q.Cloud == model.AWS) {
					r.queue(f, t, q)
				}
			}
		}
	}
}

func (r *run) queue(f *model.Function, t *model.Trigger, q *model.Queue) {
	timeout, okT := f.TimeoutS.Or(3)
	visibility, okV := q.VisibilityS.Or(30)
	if okT && okV && visibility < 6*timeout {
		where := at{pos: model.At(q.VisibilityS.Pos, q.Pos), resource: q.ID, key: f.ID, severity: worse(fnvet.Low, visibility < timeout)}
		r.add(queueVisibility, where, "%d s for a function that may run for %d s", visibility, timeout)
	}
	if q.DeadLetter.Absent() && t.OnFailure.Absent() {
		r.add(queueDeadLetter, at{pos: q.Pos, resource: q.ID, key: f.ID}, "what %s cannot handle comes again until it expires", f.ID)
	}
}

// async judges functions that are called without anyone waiting for the answer.
func (r *run) async() {
	for _, f := range r.m.Functions {
		if f.Cloud != "" && f.Cloud != model.AWS || !f.DeadLetter.Absent() || !f.OnFailure.Absent() {
			continue
		}
		for _, t := range f.Triggers {
			switch t.Kind {
			case fnvet.TriggerBucket, fnvet.TriggerTopic, fnvet.TriggerBus, fnvet.TriggerIoT, fnvet.TriggerMail:
				if t.OnFailure.Absent() {
					where := at{pos: f.Pos, resource: f.ID, severity: fnvet.Low}
					r.add(noDeadLetter, where, "events of a %s that fail twice more are gone", t.Kind)
				}
			default:
			}
		}
	}
}

// streams finds records that are tried again without end.
func (r *run) streams() {
	for _, f := range r.m.Functions {
		for _, t := range f.Triggers {
			if t.Kind != fnvet.TriggerStream && t.Kind != fnvet.TriggerTable || f.Cloud != "" && f.Cloud != model.AWS {
				continue
			}
			endless := func(n int) bool { return n < 0 }
			if t.Retries.May(-1, endless) && t.MaxAgeS.May(-1, endless) && !strings.Contains(strings.ToLower(t.Type), "kafka") {
				r.add(streamRetries, at{pos: t.Pos, resource: f.ID, key: t.ID}, "one bad record holds its shard up until it expires, and is paid for each time")
			}
		}
	}
}
