package secrets

import (
	"strings"
	"testing"
	"time"
)

const kdf = "$6$rounds=5000$saltsalt$" + "Zq7Wm2xVb9Lk4Tn8Rc5Yp1Hd6Gf3Js0"

// TestConfigFiles: one row a file: its name, what it says, the secrets in it.
func TestConfigFiles(t *testing.T) {
	s := newScanner(t)
	auth := "b3JkZXJzOlBhNTV3MHJkWDk=" // orders:Pa55w0rdX9
	for _, tt := range []struct{ name, data, want, why string }{
		{".npmrc", "//registry.acme.test/:_authToken=9f8e7d6c-aaaa\nregistry=https://registry.acme.test/\n", "9f8e7d6c-aaaa", "a registry token"},
		{".npmrc", "//registry.acme.test/:_authToken=${NPM_TOKEN}\n", "", "a reference"},
		{".npmrc", "_auth=" + auth + "\nalways-auth=true\n", auth, "basic authentication"},
		{".pypirc", "[pypi]\nusername = bob\npassword = hunter2hunter\n", "hunter2hunter", "a password"},
		{"pip.conf", "[global]\nindex-url = https://bob:hunter2hunter@pypi.acme.test/simple\n", "hunter2hunter", "a URL"},
		{".netrc", "machine api.acme.test\n  login bob\n  password hunter2hunter\n", "hunter2hunter", "several lines"},
		{".pgpass", "# comment\ndb.acme.test:5432:orders:bob:hunter2hunter\n", "hunter2hunter", "the fifth field"},
		{".git-credentials", "https://bob:hunter2hunter@git.acme.test\n", "hunter2hunter", "a URL"},
		{".docker/config.json", `{"auths":{"registry.acme.test":{"auth":"` + auth + `"}}}`, auth, "user:password in base64"},
		{".docker/config.json", `{"auths":{"registry.acme.test":{"auth":""}},"credsStore":"osxkeychain"}`, "", "a helper keeps it"},
		{".kube/config", "users:\n- name: a\n  user:\n    token: q7Zt9Xw2Lk4Vb8\n", "q7Zt9Xw2Lk4Vb8", "a kubeconfig"},
		{".aws/credentials", "[default]\naws_access_key_id = " + awsKey + "\naws_secret_access_key = h7Kd92LmQp0VbN4sTzR6yWcE1HgJ5fUa3oXi8Rt2\n", awsKey + " h7Kd92LmQp0VbN4sTzR6yWcE1HgJ5fUa3oXi8Rt2", "both halves"},
		{"wp-config.php", "<?php\ndefine( 'DB_PASSWORD', 'hunter2hunter' );\ndefine('DB_HOST', 'db');\ndefine('AUTH_KEY', 'put your unique phrase here');\n", "hunter2hunter", "PHP constants"},
		{"config/database.php", "<?php return ['mysql' => ['username' => 'bob', 'password' => 'hunter2hunter', 'other_password' => env('DB_PASSWORD', '')]];", "hunter2hunter", "a PHP array"},
		{"app/settings.py", "SECRET_KEY = 'dj-9x2kq7zt9'\nDATABASES = {'default': {'USER': 'bob', 'PASSWORD': 'hunter2hunter', 'HOST': 'db'}}\nAPI_TOKEN = os.environ['API_TOKEN']\n", "dj-9x2kq7zt9 hunter2hunter", "Django"},
		{"config/secrets.yml", "production:\n  secret_key_base: 0a1b2c3d4e5f60718293a4b5c6d7e8f9\n  other_secret: <%= ENV['OTHER'] %>\n", "0a1b2c3d4e5f60718293a4b5c6d7e8f9", "Rails"},
		{"application.properties", "spring.datasource.username=bob\nspring.datasource.password=hunter2hunter\nserver.ssl.key-store-password=${KS}\n", "hunter2hunter", "Spring"},
		{"application.yml", "spring:\n  datasource:\n    password: hunter2hunter\n    url: jdbc:postgresql://db/x\n", "hunter2hunter", "Spring"},
		{"web.config", `<configuration><appSettings><add key="ApiToken" value="hunter2hunter"/><add key="Mode" value="dev1"/></appSettings><connectionStrings><add name="Main" connectionString="Server=db;User Id=sa;Password=Pa55w0rdX9;"/></connectionStrings></configuration>`, "hunter2hunter Pa55w0rdX9", ".NET"},
		{"settings.xml", "<settings><servers><server><id>acme</id><username>bob</username><password>hunter2hunter</password></server></servers></settings>", "hunter2hunter", "Maven"},
		{"settings.xml", "<settings><server><password>${env.NEXUS_PASSWORD}</password></server></settings>", "", "a reference"},
		{"beans.xml", `<bean><property name="password" value="hunter2hunter"/><property name="url" value="jdbc:x"/></bean>`, "hunter2hunter", "Spring beans"},
		{"etc/shadow", "root:" + kdf + ":19000:0:99999:7:::\nbin:*:19000::::::\nbob:!:19000::::::\n", kdf, "a password hash, and locked accounts"},
		{"htpasswd", "bob:$apr1$" + "saltsalt$Zq7Wm2xVb9Lk4Tn8Rc5Yp1\n", "$apr1$" + "saltsalt$Zq7Wm2xVb9Lk4Tn8Rc5Yp1", "htpasswd"},
		{"terraform.tfstate", `{"version":4,"outputs":{"db_password":{"value":"hunter2hunter","type":"string"}},"resources":[{"instances":[{"attributes":{"username":"bob","master_password":"Pa55w0rdX9","arn":"arn:aws:rds:x"}}]}]}`, "hunter2hunter Pa55w0rdX9", "outputs and attributes"},
		{"variables.tf", "variable \"db_password\" {\n  type    = string\n  default = \"hunter2hunter\"\n}\n", "hunter2hunter", "a default"},
		{"main.bicep", "param adminPassword string = 'hunter2hunter'\nparam name string = 'orders'\n", "hunter2hunter", "a default"},
		{"template.yaml", "AWSTemplateFormatVersion: x\nParameters:\n  DbPassword:\n    Type: String\n    NoEcho: true\n    Default: hunter2hunter\n", "hunter2hunter", "a parameter's default"},
		{"collection.postman_collection.json", `{"auth":{"type":"bearer","bearer":[{"key":"token","value":"q7Zt9Xw2Lk4Vb8","type":"string"}]}}`, "q7Zt9Xw2Lk4Vb8", "Postman"},
		{"inventory.ini", "[web]\nhost1 ansible_user=bob ansible_ssh_pass=hunter2hunter ansible_port=22\n", "hunter2hunter", "Ansible"},
		{"playbook.yml", "- hosts: all\n  vars:\n    db_password: !vault |\n      $ANSIBLE_VAULT;1.1;AES256\n      6162\n    api_password: hunter2hunter\n", "hunter2hunter", "Ansible, one of two in a vault"},
		{".bash_history", "ls -l\nexport DB_PASSWORD=hunter2hunter\nmysql --password Pa55w0rdX9 orders\n", "hunter2hunter Pa55w0rdX9", "shell history"},
		{".s3cfg", "access_key = x\nsecret_key = h7Kd92LmQp0VbN4s\n", "h7Kd92LmQp0VbN4s", "s3cmd"},
		{"rclone.conf", "[drive]\ntype = ftp\nuser = bob\npass = Zq7Wm2xVb9Lk4Tn8\n", "Zq7Wm2xVb9Lk4Tn8", "rclone's obscured password"},
		{".vscode/sftp.json", `{"host":"x","username":"bob","password":"hunter2hunter"}`, "hunter2hunter", "an editor's upload settings"},
		{"sitemanager.xml", `<FileZilla3><Servers><Server><Host>x</Host><Pass encoding="base64">aHVudGVyMmh1bnRlcg==</Pass></Server></Servers></FileZilla3>`, "aHVudGVyMmh1bnRlcg==", "FileZilla"},
		{"config.toml", "[db]\npassword = \"hunter2hunter\" # the old one\ntoken_url = \"https://x.test/t\"\n", "hunter2hunter", "TOML"},
		{"config.json", `{"db":{"password":"hunter2\u0068unter"}}`, `hunter2\u0068unter`, "an escape"},
		{"locales/en.json", `{"password":"Password1"}`, "", "a translation: low"},
		{"form.json", `{"password":{"type":"string"},"token":"string","secret":"Enter your secret"}`, "", "a schema"},
		{"node_modules/x/config.json", `{"password":"hunter2hunter"}`, "", "other people's settings"},
		{"package.json", `{"scripts":{"token":"node scripts/token.js"}}`, "", "a command"},
		{"cut.json", `{"db":{"password":"hunter2hunter"`, "hunter2hunter", "cut off"},
		{"broken.yaml", "{{ if .x }}\npassword: hunter2hunter\n{{ end }}\n", "hunter2hunter", "a template of YAML"},
		{"config.js", "module.exports = { db: { password: 'hunter2hunter', user: 'bob' }, token: process.env.TOKEN };", "hunter2hunter", "settings as code"},
		{"a.json", "{\"a\": {\"Fn::Join\": [\"\", [\"x\", \"y\"]]},\n \"DB_URL\": \"postgres://app:Kq82mVbTr6Yp@db.internal/orders\",\n \"K\": \"" + awsKey + "\"\n}", "Kq82mVbTr6Yp " + awsKey, "beside lists that are joined, once"},
		{"a.py", "a = ','.join(X)\nc = connect(\n    \"postgres://app:Kq82mVbTr6Yp@db.internal/orders\",\n    \"other-name\",\n)\n", "Kq82mVbTr6Yp", "arguments beside a join, once"},
		{"a.js", "const k = ['" + awsKey[:7] + "', '" + awsKey[7:] + "'].join('');", awsKey[:7] + "', '" + awsKey[7:], "in two parts, from the first to the last"},
		{"a.ts", "const apiToken: string = '" + generic + "';", generic, "behind a type"},
		{"config.js", "if (password == 'hunter2hunter') { check(); }", "", "a comparison"},
	} {
		var got []string
		for _, f := range find(t, s, file(tt.name, tt.data)) {
			if f.Secret.Confidence != "low" {
				got = append(got, tt.data[f.Secret.Start:f.Secret.End])
			}
		}
		if strings.Join(got, " ") != tt.want {
			t.Errorf("%s %s: %q, want %q", tt.name, tt.why, got, tt.want)
		}
	}
}

// FuzzPairs: no file panics a reader, and exact pairs are where they say.
func FuzzPairs(f *testing.F) {
	for _, tt := range environments() {
		f.Add(int(formatOf(tt.name)), []byte(tt.write(plantedEight())))
	}
	f.Add(int(xmlFormat), []byte("<a b='c'><p>x</p></a>"))
	f.Add(int(netrcFormat), []byte("machine x password y"))
	f.Add(int(pgpassFormat), []byte("a:b:c:d:e"))
	f.Add(int(hashFormat), []byte("root:"+kdf+":"))
	f.Add(int(yamlFormat), []byte("a: &b [*b]\n? c\n"))
	f.Fuzz(func(t *testing.T, kind int, data []byte) {
		start := time.Now()
		defer func() {
			if d := time.Since(start); d > 5*time.Second {
				t.Errorf("%v for %d bytes", d, len(data))
			}
		}()
		eachPair(format(kind), data, func(p pair) {
			if p.start < 0 || p.end < p.start || p.end > len(data) {
				t.Errorf("%q at %d..%d of %d", p.name, p.start, p.end, len(data))
			} else if p.exact && string(data[p.start:p.end]) != p.value {
				t.Errorf("%q is %q, not %q", p.name, data[p.start:p.end], p.value)
			}
		})
	})
}
