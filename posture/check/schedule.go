package check

import (
	"strconv"
	"strings"
)

// interval is the shortest time between two runs of a schedule, in seconds; 0 when
// it is not known: "rate(5 minutes)", "cron(0/5 * * * ? *)", "*/10 * * * *",
// "0 */5 * * * *", "every 5 minutes".
func interval(s string) int {
	s = strings.ToLower(strings.TrimSpace(s))
	if inner, ok := strings.CutPrefix(s, "rate("); ok {
		return rate(strings.TrimSuffix(inner, ")"))
	}
	if inner, ok := strings.CutPrefix(s, "every "); ok {
		return rate(inner)
	}
	if inner, ok := strings.CutPrefix(s, "cron("); ok {
		fields := strings.Fields(strings.TrimSuffix(inner, ")"))
		if len(fields) == 6 {
			return fromFields(60, fields[0], fields[1])
		}
		return 0
	}
	switch fields := strings.Fields(s); len(fields) {
	case 5:
		return fromFields(60, fields[0], fields[1])
	case 6:
		if n := step(fields[0], 60); n < 60 {
			return n
		}
		return fromFields(60, fields[1], fields[2])
	}
	return 0
}

func rate(s string) int {
	f := strings.Fields(s)
	if len(f) != 2 {
		return 0
	}
	n, err := strconv.Atoi(f[0])
	if err != nil || n < 1 || n > 1<<20 {
		return 0
	}
	switch strings.TrimSuffix(strings.TrimSuffix(f[1], "s"), "ute") {
	case "min":
		return n * 60
	case "hour":
		return n * 3600
	case "day":
		return n * 86400
	}
	return 0
}

func fromFields(unit int, minutes, hours string) int {
	if n := step(minutes, 60); n < 60 {
		return n * unit
	}
	if n := step(hours, 24); n < 24 {
		return n * 3600
	}
	return 86400
}

// step is the least distance of the values of a cron field, which repeats after full.
func step(field string, full int) int {
	if field == "*" || field == "?" {
		return 1
	}
	if _, every, ok := strings.Cut(field, "/"); ok {
		if n, err := strconv.Atoi(every); err == nil && n > 0 && n < full {
			return n
		}
		return full
	}
	if strings.Contains(field, "-") {
		return 1
	}
	least, last, start := full, -1, -1
	for part := range strings.SplitSeq(field, ",") {
		n, err := strconv.Atoi(part)
		if err != nil {
			return full
		}
		if last >= 0 && n > last {
			least = min(least, n-last)
		}
		if start < 0 {
			start = n
		}
		last = n
	}
	if last > start {
		least = min(least, full-last+start)
	}
	return least
}
