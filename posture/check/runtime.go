package check

import (
	"slices"
	"strings"
	"time"

	"github.com/fnvet/fnvet"
	"github.com/fnvet/fnvet/posture/data"
	"github.com/fnvet/fnvet/posture/model"
)

// soon is how long before its end a runtime is called ending.
const soon = 90 * 24 * time.Hour

// runtimes judges runtimes by date.
func (r *run) runtimes() {
	if r.ctx.Now.IsZero() {
		return
	}
	for _, f := range r.m.Functions {
		cloud := f.Cloud
		if cloud == "" {
			cloud = r.m.Cloud
		}
		for _, name := range f.Runtime.Alts {
			if rt, ok := r.ctx.Data.Runtime(string(cloud), name); ok {
				r.runtime(f, rt, model.At(f.Runtime.Pos, f.Pos))
			}
		}
		r.host(f)
	}
}

// host judges the version of Azure's host, which an app setting states.
func (r *run) host(f *model.Function) {
	for _, v := range f.Env {
		if f.Cloud != model.Azure || v.Name != "FUNCTIONS_EXTENSION_VERSION" {
			continue
		}
		version, ok := literal(v.Value)
		if rt, known := r.ctx.Data.Runtime(string(model.Azure), "functions"+strings.TrimPrefix(version, "~")); ok && known {
			rt.Name = "functions host " + version
			r.runtime(f, rt, model.At(v.Value.Pos, v.Pos))
		}
	}
}

func (r *run) runtime(f *model.Function, rt data.Runtime, pos model.Pos) {
	where := at{pos: pos, resource: appOf(f), key: rt.Name}
	if rt.Successor != "" {
		where.fix = "Move to " + rt.Successor + " and test the function with it."
	}
	public := r.about[f.ID].public
	asOf := ""
	if d := data.RuntimesAsOf(); r.old(d) {
		asOf = " (dates as of " + d + ")"
	}
	switch {
	case r.past(rt.NoUpdate):
		where.severity = fnvet.High
		r.add(runtimeDeprecated, where, "%s can be neither created nor updated since %s%s", rt.Name, rt.NoUpdate, asOf)
	case r.past(rt.NoCreate):
		where.severity = fnvet.High
		r.add(runtimeDeprecated, where, "%s can no longer be created since %s%s", rt.Name, rt.NoCreate, asOf)
	case r.past(rt.Deprecated):
		where.severity = worse(fnvet.Medium, public)
		r.add(runtimeDeprecated, where, "%s has had no security patches since %s%s%s", rt.Name, rt.Deprecated, upTo(rt.NoUpdate), asOf)
	default:
		for _, d := range []struct{ date, what string }{{rt.Deprecated, "is deprecated"}, {rt.NoCreate, "can no longer be created"}} {
			if t, err := time.Parse(time.DateOnly, d.date); err == nil && t.Sub(r.ctx.Now) <= soon {
				r.add(runtimeEnding, where, "%s %s from %s%s", rt.Name, d.what, d.date, asOf)
				return
			}
		}
	}
}

// outOfDate is how old data may be before its day is said.
const outOfDate = 180 * 24 * time.Hour

// old reports whether data of a day is out of date.
func (r *run) old(date string) bool {
	t, err := time.Parse(time.DateOnly, date)
	return err == nil && r.ctx.Now.Sub(t) > outOfDate
}

func upTo(date string) string {
	if date == "" {
		return ""
	}
	return "; updates are blocked from " + date
}

func (r *run) past(date string) bool {
	t, err := time.Parse(time.DateOnly, date)
	return err == nil && !r.ctx.Now.Before(t)
}

// logs judges whether a function can write its log, and how long it is kept.
func (r *run) logs() {
	for _, f := range r.m.Functions {
		if f.Cloud != "" && f.Cloud != model.AWS {
			continue
		}
		a := r.about[f.ID]
		if !a.open && len(a.grants) > 0 || !a.open && len(f.Roles) > 0 {
			can := slices.ContainsFunc(a.grants, func(g grant) bool { return g.may("logs:PutLogEvents") })
			if !can {
				r.add(logsUnwritable, at{pos: model.At(f.Role.Pos, f.Pos), resource: f.ID}, "its role allows no logs:PutLogEvents")
			}
		}
		r.retention(f)
	}
}

func (r *run) retention(f *model.Function) {
	if r.m.Partial || r.m.Dialect == model.FunctionConfig || r.m.Dialect == model.IAMPolicy || f.LogGroup.Open {
		return
	}
	for _, g := range r.m.LogGroups {
		if g.May(f.LogGroup) || logGroupOf(g, f) {
			if g.RetentionDays.Absent() {
				r.add(logRetention, at{pos: g.Pos, resource: g.ID}, "logs are kept for ever")
			}
			return
		}
	}
	if f.LogGroup.Absent() {
		r.add(logRetention, at{pos: f.Pos, resource: f.ID}, "its log group is made on the first call and kept for ever")
	}
}

// logGroupOf reports whether a group's name is that of the function: "/aws/lambda/NAME".
func logGroupOf(g *model.LogGroup, f *model.Function) bool {
	return g.Name.Any(func(t model.Text) bool {
		if slices.ContainsFunc(t.Refs(), func(x model.Ref) bool { return x.Kind == model.RefResource && x.ID == f.ID }) {
			return true
		}
		return f.Name.Any(func(n model.Text) bool { return t.String() == "/aws/lambda/"+n.String() })
	})
}

// tracing and alarms are only advice.
func (r *run) tracing() {
	var silent []*model.Function
	for _, f := range r.m.Functions {
		if f.Cloud == "" || f.Cloud == model.AWS || stack(r.m.Dialect) {
			silent = append(silent, f)
		}
		if f.Cloud != "" && f.Cloud != model.AWS {
			continue
		}
		if f.Tracing.May("PassThrough", func(s string) bool { return !strings.EqualFold(s, "Active") }) && !f.Tracing.Open {
			r.add(tracingOff, at{pos: model.At(f.Tracing.Pos, f.Pos), resource: f.ID}, "no traces are sampled")
		}
	}
	if len(r.m.Alarms) == 0 && len(silent) > 0 && !r.m.Partial && r.m.Dialect != model.FunctionConfig {
		r.add(noAlarms, at{pos: silent[0].Pos, resource: appOf(silent[0])}, "no alarm on errors, throttles or duration in the stack")
	}
}

// privateHosts are what addresses inside a VPC look like.
var privateHosts = []string{".rds.amazonaws.com", ".cache.amazonaws.com", ".docdb.amazonaws.com", ".redshift.amazonaws.com", ".neptune.amazonaws.com", ".es.amazonaws.com", ".mq.", ".kafka."}

// network advises a VPC where a dependency in one is seen, and judges what the
// functions in one may reach.
func (r *run) network() {
	for _, f := range r.m.Functions {
		if f.Network == nil {
			r.missingNetwork(f)
			continue
		}
		for _, g := range r.m.SecurityGroups {
			if !slices.ContainsFunc(f.Network.SecurityGroups.Items, g.Denotes) || g.Egress.Open {
				continue
			}
			open := g.Egress.Absent()
			pos := g.Pos
			for _, rule := range g.Egress.Items {
				all := rule.Protocol.Any(func(s string) bool { return s == "-1" || s == "all" || s == "" })
				if all && rule.CIDR.Any(func(t model.Text) bool { return t.Is("0.0.0.0/0") || t.Is("::/0") }) {
					open, pos = true, model.At(rule.Pos, g.Pos)
				}
			}
			if open {
				r.add(egressOpen, at{pos: pos, resource: g.ID, key: f.ID}, "%s may send anything anywhere", f.ID)
			}
		}
	}
}

// ingress finds groups that let the internet in, on every port or to a remote shell.
func (r *run) ingress() {
	for _, g := range r.m.SecurityGroups {
		var users []string
		for _, f := range r.m.Functions {
			if f.Network != nil && slices.ContainsFunc(f.Network.SecurityGroups.Items, g.Denotes) {
				users = append(users, f.ID)
			}
		}
		for _, rule := range g.Ingress.Items {
			port, open := openPort(rule)
			if !open || !rule.CIDR.Any(func(t model.Text) bool { return t.Is("0.0.0.0/0") || t.Is("::/0") }) {
				continue
			}
			where := at{pos: model.At(rule.Pos, g.Pos), resource: g.ID, severity: worse(fnvet.Info, len(users) > 0)}
			if len(users) == 0 {
				r.add(ingressOpen, where, "%s is open to every address; no function here uses the group", port)
			} else {
				r.add(ingressOpen, where, "%s is open to every address; %s uses the group and takes no connections", port, few(users, 3))
			}
		}
	}
}

// openPort is what a rule opens that is never meant for all: every port, a remote
// shell or a remote desktop.
func openPort(rule model.Rule) (string, bool) {
	if rule.Protocol.Any(func(s string) bool { return s == "-1" || s == "all" }) {
		return "every port", true
	}
	from, ok := rule.From.Known()
	to, also := rule.To.Known()
	switch {
	case !ok || !also || rule.Protocol.Any(func(s string) bool { return strings.HasPrefix(s, "icmp") }):
		return "", false
	case from <= 1 && to == 65535:
		return "every port", true
	case from <= 22 && to >= 22:
		return "port 22", true
	case from <= 3389 && to >= 3389:
		return "port 3389", true
	}
	return "", false
}

func (r *run) missingNetwork(f *model.Function) {
	if r.m.Partial || f.Cloud != "" && f.Cloud != model.AWS && !stack(r.m.Dialect) {
		return
	}
	for _, v := range f.Env {
		for _, t := range v.Value.Alts {
			s := strings.ToLower(t.String())
			private := slices.ContainsFunc(privateHosts, func(h string) bool { return strings.Contains(s, h) }) || privateIP(s)
			for _, ref := range t.Refs() {
				private = private || ref.Kind == model.RefResource && r.privateResource(ref.ID) && strings.Contains(strings.ToLower(ref.Attr), "endpoint")
			}
			if private {
				r.add(noVPC, at{pos: model.At(t.Pos, v.Pos, f.Pos), resource: appOf(f), key: v.Name}, "%s points into a private network", v.Name)
			}
		}
	}
}

func privateIP(s string) bool {
	host := s
	if _, rest, ok := strings.Cut(s, "://"); ok {
		host = rest[strings.LastIndexByte(rest, '@')+1:]
	}
	return strings.HasPrefix(host, "10.") && strings.Count(host, ".") >= 3 || strings.HasPrefix(host, "192.168.")
}

func (r *run) privateResource(id string) bool {
	for _, o := range r.m.Others {
		if o.ID == id {
			t := strings.ToLower(o.Type)
			for _, w := range []string{"rds", "elasticache", "docdb", "redshift", "neptune", "memorydb"} {
				if strings.Contains(t, w) {
					return true
				}
			}
		}
	}
	return false
}
