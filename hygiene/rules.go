package hygiene

import (
	"slices"
	"strings"

	"github.com/fnvet/fnvet"
)

// The rules of this package.
const (
	envFile            = "hygiene/env-file"
	versionControl     = "hygiene/version-control"
	privateKey         = "hygiene/private-key"
	credentialFile     = "hygiene/credential-file" // #nosec G101 -- the name of a rule
	localSettings      = "hygiene/local-settings"
	testFiles          = "hygiene/test-files"
	cacheFiles         = "hygiene/cache-files"
	editorFiles        = "hygiene/editor-files"
	devTooling         = "hygiene/dev-tooling"
	nativeArchitecture = "hygiene/native-architecture"
	mixedArchitectures = "hygiene/mixed-architectures"
	missingHandler     = "hygiene/missing-handler"
	zippedSize         = "hygiene/lambda-zipped-size"
	unzippedSize       = "hygiene/lambda-unzipped-size"
	imageSize          = "hygiene/lambda-image-size"
)

// Rules lists what this package can report, by id.
func Rules() []fnvet.Rule {
	rules := []fnvet.Rule{
		{ID: envFile, Severity: fnvet.Medium, Title: "environment file in the package",
			Help: "An environment file with values is in the package, where everybody who can read the code can read them. " +
				"Leave it out of the package and set the values in the function's configuration or a secret store."},
		{ID: versionControl, Severity: fnvet.Medium, Title: "version control folder in the package",
			Help: "A repository's folder holds its whole history, deleted secrets included, and often the credentials of its remote. " +
				"Exclude it from the package."},
		{ID: privateKey, Severity: fnvet.Medium, Title: "private key file in the package",
			Help: "A private key is in the package, where everybody who can read the code can read it. " +
				"Replace the key, and have the function fetch the new one from a secret store."},
		{ID: credentialFile, Severity: fnvet.Medium, Title: "credentials of a developer tool in the package",
			Help: "A tool's settings with credentials in them (.npmrc, .pypirc, .netrc, .aws/credentials, .docker/config.json and others) " +
				"were packed. Replace the credentials and leave the file out of the package."},
		{ID: localSettings, Severity: fnvet.Medium, Title: "local settings in the package",
			Help: "Settings for running the function on a developer's machine (local.settings.json of Azure Functions) hold connection " +
				"strings and are not used in the cloud. Leave the file out of the package."},
		{ID: testFiles, Severity: fnvet.Info, Title: "tests in the package",
			Help: "Tests and their fixtures are not run in the cloud; they make the package larger and show what is behind it. " +
				"Exclude them from the package."},
		{ID: cacheFiles, Severity: fnvet.Info, Title: "caches in the package",
			Help: "Caches of build tools and interpreters are of no use in the function and may hold paths and content of the machine " +
				"that built it. Exclude them from the package."},
		{ID: editorFiles, Severity: fnvet.Info, Title: "files of editors and the desktop in the package",
			Help: "Settings of editors and files of the desktop say things about the developer's machine and are of no use in the " +
				"function. Exclude them from the package."},
		{ID: devTooling, Severity: fnvet.Low, Title: "development tools in the package",
			Help: "Compilers, test runners and linters are in the package; with them come most of the advisories of such packages. " +
				"Install only what the function needs to run (npm install --omit=dev, a requirements file for production)."},
		{ID: nativeArchitecture, Severity: fnvet.Medium, Title: "native library for another platform than the function's",
			Help: "A native library was built for another processor or operating system than the function runs on, so loading it " +
				"fails. Build or install the package for the function's platform."},
		{ID: mixedArchitectures, Severity: fnvet.Medium, Title: "native libraries for different processors",
			Help: "Some native libraries in the package are for one processor only and some for another only, so some of them cannot be " +
				"loaded wherever the function runs. Build the package again for one architecture."},
		{ID: missingHandler, Severity: fnvet.Medium, Title: "the handler is not in the package",
			Help: "The file that the function's handler names is not in the package, so the function cannot start, or something " +
				"outside the package that was not scanned is started. Correct the handler or the package."},
		{ID: zippedSize, Severity: fnvet.Low, Title: "zip over Lambda's limit for direct upload",
			Help: "AWS Lambda takes zips of up to 50 MB directly. Upload the package through S3, or make it smaller."},
		{ID: unzippedSize, Severity: fnvet.Medium, Title: "package over Lambda's limit when unzipped",
			Help: "AWS Lambda refuses functions that take more than 250 MB unzipped, with their layers. Make the package smaller, or " +
				"deploy it as a container image."},
		{ID: imageSize, Severity: fnvet.Medium, Title: "image over Lambda's limit",
			Help: "AWS Lambda refuses container images of more than 10 GB uncompressed. Make the image smaller."},
	}
	for i := range rules {
		rules[i].Kind = fnvet.Hygiene
	}
	slices.SortFunc(rules, func(a, b fnvet.Rule) int { return strings.Compare(a.ID, b.ID) })
	return rules
}

// finding makes a finding of a rule, with its severity unless another is given.
func finding(id string, severity fnvet.Severity, path, layer, evidence string) fnvet.Finding {
	f := fnvet.Finding{ID: id, Kind: fnvet.Hygiene, Severity: severity, Path: strings.Clone(path), Layer: layer, Evidence: evidence}
	for _, r := range Rules() {
		if r.ID != id {
			continue
		}
		f.Title, f.Remediation = r.Title, lastSentence(r.Help)
		if severity == "" {
			f.Severity = r.Severity
		}
	}
	return f
}

// lastSentence of a rule's help is the one that says what to do.
func lastSentence(help string) string {
	if i := strings.LastIndex(strings.TrimSuffix(help, "."), ". "); i >= 0 {
		return help[i+2:]
	}
	return help
}
