package events

import (
	"maps"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// AsyncAPI returns the AsyncAPI 3.0 document of the topics, generated from the
// types: what partners may write to socho.inbox, and what then stands on
// socho.events, sealed.
func AsyncAPI() ([]byte, error) {
	const at = "#/components/schemas/"
	messages := schema{}
	in, logged := &generator{defs: schema{}, at: at}, &generator{defs: schema{}, at: at, onLog: true}
	var handedIn, onLog []schema
	for _, name := range Types() {
		e := Whole.types[name]
		short := strings.TrimPrefix(name, TypePrefix)
		say := func(id, doc string, payload schema, headers schema) schema {
			messages[id] = schema{
				"name": name, "title": name, "summary": doc, "contentType": ContentType, "headers": headers,
				"payload":  schema{"schemaFormat": "application/schema+json;version=2020-12", "schema": payload},
				"bindings": schema{"kafka": schema{"key": keySchema(e.kind.shard), "bindingVersion": "0.5.0"}},
			}
			return schema{"$ref": "#/components/messages/" + id}
		}
		if !e.kind.internal() {
			published, err := in.event(name)
			if err != nil {
				return nil, err
			}
			handedIn = append(handedIn, say(short, e.kind.doc, published, schema{"type": "object", "description": "In binary mode the attributes, as ce_…"}))
		}
		written, err := logged.event(name)
		if err != nil {
			return nil, err
		}
		onLog = append(onLog, say(short+".logged", e.kind.doc+" As it stands on the log.", written, stampSchema))
	}
	maps.Copy(logged.defs, in.defs)
	channel := func(address, title, text string, of []schema) schema {
		named := schema{}
		for _, m := range of {
			ref := m["$ref"].(string)
			named[ref[strings.LastIndexByte(ref, '/')+1:]] = m
		}
		return schema{"address": address, "title": title, "description": text, "messages": named,
			"bindings": schema{"kafka": schema{"topic": address, "bindingVersion": "0.5.0",
				"topicConfiguration": schema{"cleanup.policy": []string{"delete"}, "retention.ms": -1, "retention.bytes": -1}}}}
	}
	operation := func(action, of, text string) schema {
		return schema{"action": action, "channel": schema{"$ref": "#/channels/" + of}, "summary": text}
	}
	return json.Marshal(schema{
		"asyncapi": "3.0.0",
		"info": schema{"title": "Sổ Chợ", "version": "1",
			"description": "The topics of the account book: CloudEvents 1.0 in JSON. The key is the organization; partitions are by murmur2 of the key, as Apache Kafka's own clients place it.",
			"license":     schema{"name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"}},
		"defaultContentType": ContentType,
		"channels": schema{
			"inbox": channel("socho.inbox", "What partners hand in", "Structured or binary mode. Personal fields stand in clear in data.personal; intake checks, seals and stamps each record and writes it to the log.", handedIn),
			"log":   channel("socho.events", "The book of record", "Canonical JSON (RFC 8785), kept for ever. Only intake writes here.", onLog),
		},
		"operations": schema{
			"takeIn": operation("receive", "inbox", "Intake reads what partners' own producers wrote."),
			"record": operation("send", "log", "Intake writes what it has checked and sealed."),
			"decide": operation("receive", "log", "The ledger decides each record, in order."),
		},
		"components": schema{"messages": messages, "schemas": logged.defs},
	}, json.Deterministic(true), jsontext.WithIndent("  "), jsontext.SpaceAfterColon(true))
}

var stampSchema = schema{
	"type": "object", "required": []string{HeaderActor, HeaderContentType, HeaderRecordedAt},
	"properties": schema{
		HeaderRecordedAt:  schema{"type": "string", "description": "When intake wrote the record: RFC 3339 in UTC with microseconds."},
		HeaderActor:       schema{"type": "string", "description": "Who handed the fact in: a door and an opaque id, such as cli or token:ID."},
		HeaderContentType: schema{"const": ContentType},
	},
}

func keySchema(shard bool) schema {
	if shard {
		return schema{"type": "string", "pattern": shardPattern}
	}
	return schema{"type": "string", "pattern": organizationPattern}
}
