// Command pulumi-resource-aws serves the AWS provider of Terraform to Pulumi, for tests: Pulumi's own bridge, at run
// time, with the names that pulumi-aws gives to the types which infra/ declares (names.json).
package main

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"os"

	"github.com/pulumi/pulumi/sdk/v3/go/common/tokens"

	"github.com/pulumi/pulumi-terraform-bridge/v3/dynamic/internal/shim/run"
	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/pf/proto"
	pf "github.com/pulumi/pulumi-terraform-bridge/v3/pkg/pf/tfbridge"
	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfbridge"
)

// The version of the Python package pulumi_aws: the engine looks for a provider of that number. Set by the linker.
var version = "0.0.0"

// Where the provider's binary lies, up to the version in its name.
const binary = "DRIFT_TERRAFORM_PROVIDER"

//go:embed names.json
var names []byte

// field is what pulumi-aws calls or flattens otherwise than the bridge would by itself.
type field struct {
	Name   string           `json:"name"`
	One    *bool            `json:"one"`
	Fields map[string]field `json:"fields"`
}

type table struct {
	Questions map[string]string `json:"questions"`
	Types     map[string]struct {
		Token  string           `json:"token"`
		Fields map[string]field `json:"fields"`
	} `json:"types"`
}

func schemas(fields map[string]field) map[string]*tfbridge.SchemaInfo {
	if len(fields) == 0 {
		return nil
	}
	made := map[string]*tfbridge.SchemaInfo{}
	for name, facts := range fields {
		info := &tfbridge.SchemaInfo{Name: facts.Name, MaxItemsOne: facts.One}
		if inner := schemas(facts.Fields); inner != nil {
			info.Elem = &tfbridge.SchemaInfo{Fields: inner}
		}
		made[name] = info
	}
	return made
}

func serve(ctx context.Context) error {
	var known table
	if err := json.Unmarshal(names, &known); err != nil {
		return fmt.Errorf("names.json: %w", err)
	}
	server, err := run.LocalProvider(ctx, os.Getenv(binary))
	if err != nil {
		return fmt.Errorf("%s: %w", binary, err)
	}
	defer server.Close()

	// These blocks come once, which the provider's muxed schema does not say.
	once := true
	config := map[string]field{
		"default_tags":                  {One: &once},
		"ignore_tags":                   {One: &once},
		"assume_role_with_web_identity": {One: &once},
	}
	info := tfbridge.ProviderInfo{
		P:                             proto.New(ctx, server),
		Name:                          "aws",
		Version:                       version,
		ResourcePrefix:                "aws",
		MetadataInfo:                  &tfbridge.MetadataInfo{Data: tfbridge.ProviderMetadata(nil)},
		Config:                        schemas(config),
		Resources:                     map[string]*tfbridge.ResourceInfo{},
		DataSources:                   map[string]*tfbridge.DataSourceInfo{},
		EnableAccuratePFBridgePreview: true,
	}
	for kind, facts := range known.Types {
		info.Resources[kind] = &tfbridge.ResourceInfo{Tok: tokens.Type(facts.Token), Fields: schemas(facts.Fields)}
	}
	for kind, token := range known.Questions {
		info.DataSources[kind] = &tfbridge.DataSourceInfo{Tok: tokens.ModuleMember(token)}
	}
	info.SetAutonaming(255, "-")

	schema := fmt.Sprintf(`{"name":"aws","version":%q}`, version)
	pf.Main(ctx, "aws", info, pf.ProviderMetadata{PackageSchema: []byte(schema)})
	return nil
}

func main() {
	if err := serve(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
