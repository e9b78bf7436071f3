package remote

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/fnvet/fnvet/internal/lazyregexp"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"
)

// presigned is how long the address of an object stays good.
const presigned = 15 * time.Minute

// endpoint is where the AWS APIs are, if not where they usually are.
func (o *Options) endpoint() string { return cmp.Or(o.Endpoint, os.Getenv("AWS_ENDPOINT_URL")) }

// plainAWS reports whether the user has the AWS APIs on plain http.
func (o *Options) plainAWS() bool { return strings.HasPrefix(o.endpoint(), "http://") }

// awsConfig reads the AWS configuration: environment, files, instance role.
func awsConfig(ctx context.Context, region string, opts Options) (aws.Config, error) {
	load := []func(*config.LoadOptions) error{}
	if region != "" {
		load = append(load, config.WithRegion(region))
	}
	c, err := config.LoadDefaultConfig(ctx, load...)
	if err != nil {
		return c, fmt.Errorf("AWS configuration: %w", plain(err, nil))
	}
	if c.Region == "" {
		return c, errors.New("no AWS region is set; set AWS_REGION")
	}
	if e := opts.endpoint(); e != "" {
		c.BaseEndpoint = aws.String(e)
	}
	return c, nil
}

// awsError says in one line what an API answered.
func awsError(what string, err error) error {
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		return fmt.Errorf("%s: %s: %w", what, api.ErrorCode(), plain(errors.New(api.ErrorMessage()), nil))
	}
	if strings.Contains(err.Error(), "failed to refresh cached credentials") || strings.Contains(err.Error(), "get credentials") {
		return fmt.Errorf("%s: no AWS credentials were found; log in with aws configure or set AWS_PROFILE", what)
	}
	return fmt.Errorf("%s: %w", what, plain(err, nil))
}

var bucketName = lazyregexp.New(`^[a-zA-Z0-9][a-zA-Z0-9._-]{1,254}$`)

// object plans the download of bucket/key.
func object(ctx context.Context, target string, opts Options) (*Plan, error) {
	bucket, key, _ := strings.Cut(target, "/")
	if !bucketName().MatchString(bucket) || key == "" || strings.HasSuffix(key, "/") {
		return nil, fmt.Errorf("%q is not s3://BUCKET/KEY", s3Prefix+target)
	}
	c, err := awsConfig(ctx, "", opts)
	if err != nil {
		return nil, err
	}
	c.ResponseChecksumValidation = aws.ResponseChecksumValidationWhenRequired
	client := s3.NewFromConfig(c, func(o *s3.Options) { o.UsePathStyle = opts.endpoint() != "" })
	signed, err := s3.NewPresignClient(client).PresignGetObject(ctx,
		&s3.GetObjectInput{Bucket: &bucket, Key: &key}, s3.WithPresignExpires(presigned))
	if err != nil {
		return nil, awsError(s3Prefix+target, err)
	}
	name := key[strings.LastIndexByte(key, '/')+1:]
	return &Plan{Name: name, Code: &Download{Name: name, URL: signed.URL, Plain: opts.plainAWS()}}, nil
}
