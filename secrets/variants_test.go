package secrets

import (
	"slices"
	"strings"
	"testing"

	"github.com/fnvet/fnvet"
)

// TestVariants: the same settings in the less common spellings of each format. One
// row a file: its name, what it says, and the secrets in it.
func TestVariants(t *testing.T) {
	s := newScanner(t)
	const pw, key = "hunter2hunter", "q7Zt9Xw2Lk4Vb8Nc3Rm5"
	for _, tt := range []struct{ name, data, want, why string }{
		{"compose.yaml", "services:\n  a:\n    environment:\n      - DB_PASSWORD=" + pw + "\n      - \"API_TOKEN=" + key + "\"\n      - HOST\n", pw + " " + key, "a list, quoted and not"},
		{"docker-compose.prod.yml", "services:\n  a:\n    image: x\n    environment: {DB_PASSWORD: '" + pw + "', MODE: prod}\n", pw, "a flow mapping"},
		{"compose.yaml", "x-env: &env\n  DB_PASSWORD: " + pw + "\nservices:\n  a:\n    image: x\n    environment:\n      <<: *env\n", pw, "an anchor, once"},
		{"compose.yaml", "services:\n  a:\n    build:\n      context: .\n      args:\n        - NPM_TOKEN=" + key + "\n", key, "build arguments"},
		{"compose.yaml", "services:\n  a:\n    image: x\n    environment:\n      CONFIG: |\n        {\"db\": {\"password\": \"" + pw + "\"}}\n", pw, "JSON over lines"},
		{".env", "CONFIG='{\n  \"db\": {\"password\": \"" + pw + "\"}\n}'\nMODE=x\n", pw, "JSON over lines in .env"},
		{".env", "CONFIG={\"apiToken\":\"" + key + "\",\"url\":\"https://x.test\"}\n", key, "JSON on one line"},
		{".env.production", "export DB_PASSWORD=\"" + pw + "\" # old\nAPI_TOKEN = '" + key + "'\n", pw + " " + key, "export, a comment, spaces"},
		{"template.yaml", "AWSTemplateFormatVersion: x\nTransform: AWS::Serverless-2016-10-31\nGlobals:\n  Function:\n    Environment:\n      Variables:\n        DB_PASSWORD: " + pw + "\n", pw, "SAM, Globals"},
		{"template.json", `{"Resources":{"F":{"Type":"AWS::Lambda::Function","Properties":{"Environment":{"Variables":{"DB_PASSWORD":"` + pw + `","T":{"Ref":"P"}}}}}}}`, pw, "CloudFormation in JSON"},
		{"template.yaml", "Resources:\n  F:\n    Type: AWS::Lambda::Function\n    Properties:\n      Environment:\n        Variables:\n          DATABASE_URL: !Sub 'postgres://app:" + pw + "@${Db.Endpoint}/x'\n", pw, "!Sub around a literal password"},
		{"template.yaml", "Resources:\n  F:\n    Type: AWS::Lambda::Function\n    Properties:\n      Environment:\n        Variables:\n          DB_PASSWORD: !Join ['', ['{{resolve:secretsmanager:', !Ref S, ':SecretString:password}}']]\n", "", "a reference put together"},
		{"template.yaml", "Resources:\n  T:\n    Type: AWS::ECS::TaskDefinition\n    Properties:\n      ContainerDefinitions:\n        - Name: a\n          Environment:\n            - Name: DB_PASSWORD\n              Value: " + pw + "\n            - Name: MODE\n              Value: prod-12345\n          Secrets:\n            - Name: API_TOKEN\n              ValueFrom: arn:aws:ssm:eu-west-1:123456789012:parameter/x\n", pw, "ECS in CloudFormation"},
		{"serverless.yml", "service: a\nprovider:\n  name: aws\n  environment:\n    DB_PASSWORD: " + pw + "\nfunctions:\n  f:\n    handler: x.y\n    environment:\n      API_TOKEN: '" + key + "'\n      OTHER_TOKEN: ${ssm:/x}\n", pw + " " + key, "serverless, both places"},
		{"serverless.ts", "const c: AWS = { service: 'a', provider: { name: 'aws', environment: { DB_PASSWORD: '" + pw + "', API_TOKEN: '${ssm:/x}' } } };\n", pw, "serverless as code"},
		{"serverless.yml", "service: a\nprovider:\n  name: aws\n  environment:\n    DB_PASSWORD: ${env:DB_PASSWORD, '" + pw + "'}\nfunctions:\n  f:\n    handler: x.y\n", "", "a default inside a reference is not resolved"},
		{"main.tf", "resource \"aws_lambda_function\" \"f\" {\n  environment {\n    variables = {\n      \"DB_PASSWORD\" = \"" + pw + "\"\n      TOKEN         = var.token\n    }\n  }\n}\n", pw, "Terraform, quoted names"},
		{"main.tf", "locals {\n  env = {\n    DB_PASSWORD = \"" + pw + "\", API_TOKEN = \"" + key + "\"\n  }\n}\n", pw + " " + key, "two on a line"},
		{"prod.tfvars", "db_password = \"" + pw + "\"\nusers = { api_token = \"" + key + "\" }\n", pw + " " + key, "tfvars"},
		{"prod.auto.tfvars.json", `{"db_password":"` + pw + `"}`, pw, "tfvars in JSON"},
		{"main.tf", "resource \"aws_ecs_task_definition\" \"t\" {\n  container_definitions = jsonencode([{\n    name = \"a\"\n    environment = [\n      { name = \"DB_PASSWORD\", value = \"" + pw + "\" },\n      { name = \"MODE\", value = \"prod-12345\" },\n    ]\n  }])\n}\n", pw, "jsonencode with name and value"},
		{"main.tf", "resource \"x\" \"t\" {\n  container_definitions = <<EOF\n[{\"environment\": [{\"name\": \"DB_PASSWORD\", \"value\": \"" + pw + "\"}]}]\nEOF\n}\n", pw, "a heredoc of JSON"},
		{"main.tf", "resource \"google_cloudfunctions2_function\" \"f\" {\n  service_config {\n    environment_variables = {\n      API_TOKEN = \"" + key + "\"\n    }\n  }\n}\n", key, "Cloud Functions in Terraform"},
		{"azuredeploy.json", `{"$schema":"https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#","resources":[{"type":"Microsoft.Web/sites","properties":{"siteConfig":{"appSettings":[{"name":"DB_PASSWORD","value":"` + pw + `"},{"name":"K","value":"[listKeys('x','y').keys[0].value]"}]}}}]}`, pw, "ARM appSettings"},
		{"azuredeploy.parameters.json", `{"$schema":"https://schema.management.azure.com/schemas/2019-04-01/deploymentParameters.json#","parameters":{"adminPassword":{"value":"` + pw + `"}}}`, pw, "ARM parameters"},
		{"main.bicep", "resource f 'Microsoft.Web/sites@2022-09-01' = {\n  properties: {\n    siteConfig: {\n      appSettings: [\n        {\n          name: 'DB_PASSWORD'\n          value: '" + pw + "'\n        }\n        { name: 'API_TOKEN', value: '" + key + "' }\n        {\n          name: 'K'\n          value: kv.getSecret('x')\n        }\n      ]\n    }\n  }\n}\n", pw + " " + key, "Bicep appSettings"},
		{"local.settings.json", `{"IsEncrypted":false,"Values":{"FUNCTIONS_WORKER_RUNTIME":"node","DB_PASSWORD":"` + pw + `"},"ConnectionStrings":{"Main":"Server=db;Password=` + key + `;"}}`, pw + " " + key, "Azure's local settings"},
		{"service.yaml", "apiVersion: serving.knative.dev/v1\nkind: Service\nspec:\n  template:\n    spec:\n      containers:\n        - image: x\n          env:\n            - name: DB_PASSWORD\n              value: " + pw + "\n            - name: API_TOKEN\n              valueFrom:\n                secretKeyRef: {name: api-token-1, key: latest}\n", pw, "Cloud Run"},
		{"service.yaml", "apiVersion: serving.knative.dev/v1\nkind: Service\nspec:\n  template:\n    spec:\n      containers:\n        - env:\n            - {value: " + pw + ", name: DB_PASSWORD}\n", pw, "value before name"},
		{"task-definition.json", `{"family":"a","containerDefinitions":[{"name":"a","environment":[{"name":"DB_PASSWORD","value":"` + pw + `"}],"secrets":[{"name":"T","valueFrom":"arn:aws:ssm:eu-west-1:123456789012:parameter/x"}]}]}`, pw, "an ECS task"},
		{"function.json", `{"FunctionName":"f","Environment":{"Variables":{"DB_PASSWORD":"` + pw + `"}}}`, pw, "a function's configuration"},
		{"get-function.json", `{"Configuration":{"FunctionName":"f","Environment":{"Variables":{"DB_PASSWORD":"` + pw + `"}}},"Code":{}}`, pw, "as get-function answers"},
		{"gcloud.json", `{"name":"projects/p/locations/l/functions/f","serviceConfig":{"environmentVariables":{"API_TOKEN":"` + key + `"}}}`, key, "a Cloud Function's description"},
		{".env.yaml", "DB_PASSWORD: " + pw + "\nMODE: prod\n", pw, "env vars file of gcloud"},
		{"Dockerfile", "FROM x\nENV DB_PASSWORD " + pw + "\n", pw, "ENV with a space"},
		{"Dockerfile", "FROM x\nENV A=1 \\\n    # why\n    DB_PASSWORD=\"" + pw + "\" \\\n    API_TOKEN='" + key + "'\n", pw + " " + key, "continued, with a comment"},
		{"Dockerfile", "FROM x\nARG DB_PASSWORD=" + pw + "\nARG NPM_TOKEN\nENV NPM_TOKEN=$NPM_TOKEN\n", pw, "ARG's default"},
		{"Dockerfile", "FROM x\nLABEL com.acme.api-token=\"" + key + "\"\n", key, "a label"},
		{"Dockerfile", "FROM x\nRUN curl -H \"Authorization: Bearer " + key + "\" https://x.test && DB_PASSWORD=" + pw + " make\n", key + " " + pw, "RUN with a header and a variable"},
		{"Dockerfile", "FROM x\nRUN <<EOF\nexport DB_PASSWORD=" + pw + "\nmake\nEOF\n", pw, "RUN with a heredoc"},
		{"wrangler.toml", "name = \"w\"\n[vars]\nAPI_TOKEN = \"" + key + "\"\n", key, "Cloudflare Workers"},
		{"netlify.toml", "[build.environment]\n  API_TOKEN = \"" + key + "\"\n", key, "Netlify"},
		{"vercel.json", `{"env":{"DB_PASSWORD":"` + pw + `","T":"@api-token"}}`, pw, "Vercel"},
		{"fly.toml", "[env]\n  DB_PASSWORD = '" + pw + "'\n", pw, "Fly"},
		{"app.yaml", "runtime: nodejs20\nenv_variables:\n  DB_PASSWORD: \"" + pw + "\"\n", pw, "App Engine"},
		{"cdk.ts", "new lambda.Function(this, 'F', { environment: { DB_PASSWORD: '" + pw + "' } });\n", "", "code that is no settings file: not by name alone"},
		{"deploy.sh", "aws lambda update-function-configuration --function-name f --environment \"Variables={DB_PASSWORD=" + pw + ",MODE=x}\"\n", pw, "the CLI"},
		{"deploy.sh", "gcloud functions deploy f --set-env-vars DB_PASSWORD=" + pw + ",MODE=x\n", pw, "gcloud"},
		{".github/workflows/x.yml", "jobs:\n  a:\n    env:\n      DB_PASSWORD: " + pw + "\n      API_TOKEN: ${{ secrets.API_TOKEN }}\n", pw, "a workflow"},
		{".dockercfg", `{"registry.acme.test":{"auth":"b3JkZXJzOlBhNTV3MHJkWDk="}}`, "b3JkZXJzOlBhNTV3MHJkWDk=", "docker's first form"},
		{"config/master.key", "0a1b2c3d4e5f60718293a4b5c6d7e8f9\n", "0a1b2c3d4e5f60718293a4b5c6d7e8f9", "Rails"},
		{"appsettings.Production.json", `{"ConnectionStrings":{"Main":"Server=db;User Id=sa;Password=` + pw + `;"},"Jwt":{"SigningKey":"` + key + `"}}`, pw + " " + key, ".NET"},
		{"notebook.ipynb", `{"cells":[{"cell_type":"code","source":["api_token = \"` + key + `\"\n"],"outputs":[]}]}`, key, "Jupyter"},
		{"dump.sql", "INSERT INTO users VALUES (1,'bob','$2b$12$abcdefghijklmnopqrstuuZq7Wm2xVb9Lk4Tn8Rc5Yp1Hd6Gf3Js');\n", "$2b$12$abcdefghijklmnopqrstuuZq7Wm2xVb9Lk4Tn8Rc5Yp1Hd6Gf3Js", "a dump with password hashes"},
		{"create.sql", "CREATE USER app WITH PASSWORD '" + pw + "';\nALTER USER b IDENTIFIED BY '" + key + "';\n", pw + " " + key, "SQL that sets passwords"},
		{".ssh/config", "Host x\n  User bob\n  IdentityFile ~/.ssh/id\n", "", "an ssh client's settings"},
		{"ftp.conf", "user bob\npass " + pw + "\n", pw, "an FTP client's settings"},
		{"server.properties", "sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required username=\"app\" password=\"" + pw + "\";\n", pw, "Kafka"},
		{"application.yml", "spring:\n  kafka:\n    properties:\n      sasl.jaas.config: 'x required username=\"a\" password=\"" + pw + "\";'\n", pw, "Kafka in YAML"},
		{"config.py", "URL = 'mysql+pymysql://app:" + pw + "@db/x'\nCACHE = 'rediss://:" + key + "@c:6380/0'\n", pw + " " + key, "URLs of databases"},
		{"app.js", "const c = 'Server=tcp:x.database.windows.net;Database=d;User ID=a;Password=" + pw + ";Encrypt=true';\n", pw, "an ADO.NET string in code"},
		{"app.js", "const u = 'jdbc:postgresql://db/x?user=app&password=" + pw + "';\n", pw, "JDBC"},
		{"config.yaml", "amqp: amqps://svc:" + pw + "@mq.acme.test/v\n", pw, "RabbitMQ"},
		{".npmrc", "//registry.acme.test/:_password=" + "aHVudGVyMmh1bnRlcg==" + "\n", "aHVudGVyMmh1bnRlcg==", "npm's encoded password"},
		{".yarnrc.yml", "npmScopes:\n  acme:\n    npmAuthToken: " + key + "\n", key, "Yarn"},
		{"nuget.config", `<configuration><packageSourceCredentials><a><add key="ClearTextPassword" value="` + pw + `" /></a></packageSourceCredentials></configuration>`, pw, "NuGet"},
		{"gradle.properties", "nexusPassword=" + pw + "\n", pw, "Gradle"},
	} {
		var got []string
		for _, f := range find(t, s, file(tt.name, tt.data)) {
			if f.Secret.Confidence != fnvet.ConfidenceLow {
				got = append(got, tt.data[f.Secret.Start:f.Secret.End])
			}
		}
		want := strings.Fields(tt.want)
		if !slices.Equal(got, want) {
			t.Errorf("%s %s: %q, want %q", tt.name, tt.why, got, want)
		}
	}
}

// What OpenSSL's own openssl.cnf says in the images of every distribution.
func TestOpenSSLConfigIsQuiet(t *testing.T) {
	s := newScanner(t)
	text := "[insta]\nref = 3078\nsecret = pass:insta # either side\n[pbm]\nsecret = $insta::secret # as above\n"
	for _, f := range find(t, s, file("etc/ssl/openssl.cnf", text)) {
		t.Errorf("%s on line %d", f.ID, f.Line)
	}
}
