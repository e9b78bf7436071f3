package inject

import "testing"

// A question about what a call reads holds for the same call later, and for no other.
func TestRepeatedCall(t *testing.T) {
	for _, c := range []struct {
		reason, name, src string
		findings          int
	}{
		{"the same key", "app.py", "import os\ndef handler(event, context):\n    if event.get('host') not in ('a', 'b'):\n        return\n    os.system('ping ' + event.get('host'))\n", 0},
		{"another key", "app.py", "import os\ndef handler(event, context):\n    if event.get('host') not in ('a', 'b'):\n        return\n    os.system('ping ' + event.get('port'))\n", 1},
		{"the same key of another dictionary", "app.py", "import os\ndef handler(event, context):\n    if event.get('a', {}).get('host') not in ('a', 'b'):\n        return\n    os.system('ping ' + event.get('b', {}).get('host'))\n", 1},
		{"a key of a dictionary in the event", "app.py", "import os\ndef handler(event, context):\n    if event.get('a', {}).get('host') not in ('a', 'b'):\n        return\n    os.system('ping ' + event.get('a', {}).get('host'))\n", 0},
		{"read by index after it was asked for by get", "app.py", "import os\ndef handler(event, context):\n    if event.get('host') not in ('a', 'b'):\n        return\n    os.system('ping ' + event['host'])\n", 0},
		{"on one way only", "app.py", "import os\ndef handler(event, context):\n    if event.get('host') not in ('a', 'b'):\n        print('no')\n    os.system('ping ' + event.get('host'))\n", 1},
		{"overwritten after the question", "app.py", "import os\ndef handler(event, context):\n    if event.get('host') not in ('a', 'b'):\n        return\n    event['host'] = event.get('other')\n    os.system('ping ' + event.get('host'))\n", 1},
		{"a header", "index.js", "const app = require('express')(); const { exec } = require('child_process');\napp.get('/', (req, res) => { if (!['a', 'b'].includes(req.header('h'))) return; exec('ping ' + req.header('h')); });\n", 0},
		{"another header", "index.js", "const app = require('express')(); const { exec } = require('child_process');\napp.get('/', (req, res) => { if (!['a', 'b'].includes(req.header('h'))) return; exec('ping ' + req.header('i')); });\n", 1},
		{"a method of one's own that gives more than it was asked", "index.js", "const { exec } = require('child_process');\nclass Box { constructor(e) { this.a = e.body; } get(k) { return k; } }\nexports.handler = async (event) => { const b = new Box(event); if (!['a'].includes(b.get('a'))) return; exec(b.a); };\n", 1},
	} {
		facts := scanFiles(t, Options{}, map[string]string{c.name: c.src})
		if len(facts.Findings) != c.findings || len(facts.Gaps) != 0 {
			t.Errorf("%s: want %d findings\n%s", c.reason, c.findings, describe(facts))
		}
	}
}
