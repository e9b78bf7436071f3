package usage

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// What a call is for is the name that it states: by a keyword, by its place, or of
// the table or bucket that it is a method of.
func TestNamesInPython(t *testing.T) {
	const head = "import boto3\nd = boto3.resource('dynamodb')\nr = boto3.resource('s3')\nc = boto3.client('s3')\n"
	for _, x := range []struct{ name, src, want, reason string }{
		{"keyword", "c.get_object(Bucket='in', Key='k')", "s3:GetObject in", "stated"},
		{"table", "a = d.Table('orders')\na.put_item(Item={})", "dynamodb:PutItem orders", "by its place"},
		{"two tables", "a = d.Table('orders')\nb = d.Table('users')\na.put_item(Item={})\nb.get_item(Key={})", "dynamodb:GetItem users, dynamodb:PutItem orders", "each its own"},
		{"chained", "boto3.resource('dynamodb').Table('orders').put_item(Item={})", "dynamodb:PutItem orders", "at once"},
		{"held at once", "a = boto3.resource('dynamodb').Table('orders')\na.scan()", "dynamodb:Scan orders", "at once, and kept"},
		{"one variable for two", "a = d.Table('orders')\na.scan()\na = d.Table('users')\na.scan()", "dynamodb:Scan , dynamodb:Scan ", "which is not known"},
		{"not a literal", "a = d.Table(NAME)\na.scan()", "dynamodb:Scan ", "not known"},
		{"upload", "c.upload_file('/tmp/x', 'out', 'k')", "s3:PutObject out", "the second"},
		{"download", "c.download_file('in', 'k', f('/tmp/x', 1))", "s3:GetObject in", "the first"},
		{"upload of what is chosen", "c.upload_fileobj(f(a, 'b'), bucket, 'k')", "s3:PutObject ", "the second is no literal"},
		{"bucket", "r.Bucket('in').put_object(Key='k')", "s3:PutObject in", "a method of it"},
		{"object", "r.Object('in', 'k').get()", "s3:GetObject in", "the first"},
	} {
		t.Run(x.name, func(t *testing.T) {
			var got []string
			for _, c := range collect(t, map[string]string{"a.py": head + x.src + "\n"}).For("", "").Calls {
				got = append(got, c.Action+" "+c.Resource)
			}
			if d := cmp.Diff(x.want, strings.Join(got, ", ")); d != "" {
				t.Errorf("%s: %s", x.reason, d)
			}
		})
	}
}
