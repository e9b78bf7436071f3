package scan

import "testing"

func TestPackageFolder(t *testing.T) {
	for _, tt := range []struct{ name, want string }{
		{"node_modules/a/lib/x.js", "node_modules/a"},
		{"node_modules/@s/a/lib/x.js", "node_modules/@s/a"},
		{"node_modules/a/node_modules/b/x.js", "node_modules/a/node_modules/b"},
		{"app/node_modules/a/package.json", "app/node_modules/a"},
		{"requests/api.py", "requests"},
		{"six.py", "six.py"},
		{"python/requests/api.py", "python/requests"},
		{"python/lib/python3.12/site-packages/yaml/x.py", "python/lib/python3.12/site-packages/yaml"},
		{"node_modules/@s", "node_modules/@s"},
	} {
		if got := packageFolder(tt.name); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}
