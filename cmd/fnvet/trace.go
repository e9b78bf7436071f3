package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// traceEnd is how long the last spans may take to be delivered.
const traceEnd = 5 * time.Second

// tracesWanted reads the variables that OpenTelemetry specifies. Without any of
// them there are no traces; what is asked for and cannot be done is an error.
// https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/
func tracesWanted(env func(string) string) (bool, error) {
	if env("OTEL_SDK_DISABLED") == "true" {
		return false, nil
	}
	switch exporter := env("OTEL_TRACES_EXPORTER"); exporter {
	case "none":
		return false, nil
	case "otlp":
	case "":
		if env("OTEL_EXPORTER_OTLP_ENDPOINT") == "" && env("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") == "" {
			return false, nil
		}
	default:
		return false, fmt.Errorf("OTEL_TRACES_EXPORTER=%s: fnvet knows otlp and none", exporter)
	}
	protocol := env("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL")
	if protocol == "" {
		protocol = env("OTEL_EXPORTER_OTLP_PROTOCOL")
	}
	if protocol != "" && protocol != "http/protobuf" {
		return false, fmt.Errorf("OTEL_EXPORTER_OTLP_PROTOCOL=%s: fnvet speaks http/protobuf", protocol)
	}
	return true, nil
}

// tracer makes spans as the environment says, or nil. end delivers the last ones.
func tracer(ctx context.Context, logger *slog.Logger) (t trace.Tracer, end func(), err error) {
	wanted, err := tracesWanted(os.Getenv)
	if err != nil || !wanted {
		return nil, func() {}, err
	}
	exporter, err := otlptracehttp.New(ctx) // reads endpoint, headers, time-out, certificates
	if err != nil {
		return nil, nil, fmt.Errorf("OTEL_EXPORTER_OTLP_…: %w", err)
	}
	about, err := resource.New(ctx, resource.WithAttributes(attribute.String("service.name", "fnvet"), attribute.String("service.version", version())),
		resource.WithTelemetrySDK(), resource.WithFromEnv()) // the later one wins
	if err != nil && !errors.Is(err, resource.ErrPartialResource) {
		return nil, nil, fmt.Errorf("OTEL_RESOURCE_ATTRIBUTES: %w", err)
	}
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) { logger.Warn("traces were not delivered", "error", err.Error()) }))
	provider := sdk.NewTracerProvider(sdk.WithBatcher(exporter), sdk.WithResource(about)) // reads sampler, limits, batches
	return provider.Tracer("github.com/fnvet/fnvet"), func() {
		last, cancel := context.WithTimeout(context.WithoutCancel(ctx), traceEnd)
		defer cancel()
		if err := provider.Shutdown(last); err != nil {
			logger.Warn("the last traces were not delivered", "error", err.Error())
		}
	}, nil
}
