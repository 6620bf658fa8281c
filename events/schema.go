package events

import (
	"reflect"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"socho/internal/money"
)

// schema is one JSON Schema, or a part of one.
type schema = map[string]any

// Patterns keep to what ECMA 262 and RE2 read alike, so that a partner's
// validator and ours agree.
const (
	idChars     = `[A-Za-z0-9._-]{1,64}`
	noControls  = `^[^\x00-\x1f\x7f-\x9f` + "\u2028\u2029\ufffd" + `]*$`
	dayPattern  = `(2[01][0-9]{2}-(0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])|2[01][0-9]{2}-(0[469]|11)-(0[1-9]|[12][0-9]|30)|2[01][0-9]{2}-02-(0[1-9]|1[0-9]|2[0-8])|(20([02468][048]|[13579][26])|21(0[48]|[2468][048]|[13579][26]))-02-29)`
	hourMinute  = `([01][0-9]|2[0-3]):[0-5][0-9]`
	wordPattern = `^[a-z0-9_]{1,32}$`

	organizationPattern = `^[a-z0-9-]{1,64}$`
	shardPattern        = `^shard:(0|[1-9][0-9]{0,15})$`
)

// fieldSchemas says in JSON Schema what each field type's UnmarshalText
// accepts. TestSchemaAgreesWithCodec holds the two together.
var fieldSchemas = map[reflect.Type]schema{
	reflect.TypeFor[Organization](): {"type": "string", "pattern": organizationPattern,
		"description": "An organization: the market board, school, programme fund or province office that the fact belongs to."},
	reflect.TypeFor[ID](): {"type": "string", "pattern": `^` + idChars + `$`,
		"description": "An opaque identifier given by the publisher. Never a name, number or account of a person."},
	reflect.TypeFor[EventID](): {"type": "string", "minLength": 1, "maxLength": 64, "pattern": noControls,
		"description": "The publisher's identifier of one event, unique within its organization and source."},
	reflect.TypeFor[URI](): {"type": "string", "pattern": `^[A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=%-]{1,256}$`,
		"description": "A URI that names a publisher."},
	reflect.TypeFor[Date](): {"type": "string", "format": "date", "pattern": `^` + dayPattern + `$`,
		"description": "A calendar day in UTC+7, of the years 2000 to 2199."},
	reflect.TypeFor[Period](): {"type": "string", "pattern": `^2[01][0-9]{2}-(0[1-9]|1[0-2])$`,
		"description": "A calendar month, of the years 2000 to 2199."},
	reflect.TypeFor[Time](): {"type": "string", "format": "date-time",
		"pattern":     `^` + dayPattern + `T` + hourMinute + `:[0-5][0-9](\.[0-9]{1,6})?(Z|[+-]` + hourMinute + `)$`,
		"description": "The publisher's own time of the fact, RFC 3339 with a zone and at most microseconds."},
	reflect.TypeFor[Unit](): {"type": "string", "pattern": `^[0-9]{2}([0-9]{3})?$`,
		"description": "An administrative unit: two digits for a province, five for a commune."},
	reflect.TypeFor[Word](): {"type": "string", "pattern": wordPattern,
		"description": "A short code from the publisher's own list."},
	reflect.TypeFor[Label](): {"type": "string", "minLength": 1, "maxLength": 120, "pattern": noControls,
		"description": "A public text without control characters. Never a person's name."},
	reflect.TypeFor[Reference](): {"type": "string", "pattern": `^(HP|CH|VE|BT)[0-9]{4}[0-9A-HJKMNP-TV-Z]{5}$`,
		"description": "A reference code. Its last character is an ISO 7064 MOD 37,36 check character, which is checked too."},
	reflect.TypeFor[BIN](): {"type": "string", "pattern": `^[0-9]{6}$`,
		"description": "A bank's identification number."},
	reflect.TypeFor[Account](): {"type": "string", "pattern": `^[A-Za-z0-9]{1,19}$`,
		"description": "An institution's own account number. A person's account is personal and never stands here."},
	reflect.TypeFor[PayoutID](): {"type": "string", "pattern": `^[A-Za-z0-9._-]{1,35}$`,
		"description": "A payout, told apart at the bank by this as its EndToEndId."},
	reflect.TypeFor[Digest](): {"type": "string", "pattern": `^[0-9a-f]{64}$`,
		"description": "A SHA-256 digest in lower-case hexadecimal digits."},
	reflect.TypeFor[Pointer](): {"type": "string", "pattern": `^/[!-~]{0,199}$`,
		"description": "A JSON Pointer."},
	reflect.TypeFor[Path](): {"type": "string", "maxLength": 200, "pattern": `^` + idChars + `(:` + idChars + `)*$`,
		"not":         schema{"pattern": `(^|:)[0-9]{9,19}(:|$)`},
		"description": "An account within its organization: identifiers joined by colons."},
	reflect.TypeFor[Cipher](): {"type": "string", "minLength": minCipher, "maxLength": maxCipher, "pattern": `^[co]1\.([A-Za-z0-9_-]{4})*([A-Za-z0-9_-][AQgw]|[A-Za-z0-9_-]{2}[AEIMQUYcgkosw048])?$`,
		"description": "Sealed text: the class of its key, 1. and base64url without padding."},
	reflect.TypeFor[Count](): {"type": "integer", "minimum": 0, "maximum": int64(MaxCount),
		"description": "A whole number from 0 to 2^53-1, written without fraction and exponent."},
	reflect.TypeFor[Decimal](): {"type": "string", "pattern": amountPattern(0) + "|" + amountPattern(2),
		"description": "An amount above zero and below 10^15 minor units, as a string with exactly as many decimals as its currency has: none for VND, two for the others."},
	reflect.TypeFor[Balance](): {"type": "string", "pattern": balancePattern(0) + "|" + balancePattern(2),
		"description": "What an account holds, spelled as an amount: 0 or 0.00 where it is nothing, with - before it where it is below."},
	reflect.TypeFor[money.Currency](): {"enum": money.Currencies(),
		"description": "An ISO 4217 currency."},
	reflect.TypeFor[string](): {"type": "string"},
}

// opaqueSchema is that of ids that name a person or a person's device.
var opaqueSchema = schema{"type": "string", "pattern": `^` + idChars + `$`, "not": schema{"pattern": `^[0-9]{9,19}$`},
	"description": "An opaque identifier of a person or a device, given by the publisher. Never 9 to 19 digits alone, which a phone, citizen number, card or account is."}

// anyCase writes each word so that its letters match in either case, which
// JSON Schema's expressions have no flag for.
func anyCase(words []string) string {
	var b strings.Builder
	for i, w := range words {
		if i > 0 {
			b.WriteByte('|')
		}
		for _, c := range w {
			if c == ':' {
				b.WriteRune(c)
			} else {
				b.WriteString("[" + strings.ToUpper(string(c)) + string(c) + "]")
			}
		}
	}
	return b.String()
}

// amountPattern is what amount accepts of a currency with that many decimals.
func amountPattern(scale int32) string {
	if scale == 0 {
		return `^[1-9][0-9]{0,14}$`
	}
	return `^([1-9][0-9]{0,12}\.[0-9]{2}|0\.([1-9][0-9]|0[1-9]))$`
}

// balancePattern is what balance accepts of one.
func balancePattern(scale int32) string {
	zero := `^0$|`
	if scale > 0 {
		zero = `^0\.00$|`
	}
	return zero + `^-?(` + strings.Trim(amountPattern(scale), "^$") + `)$`
}

// personalSchema is the data.personal of facts that have a place for it.
func personalSchema() schema {
	return schema{
		"type":                 "object",
		"maxProperties":        MaxPersonalFields,
		"propertyNames":        schema{"pattern": wordPattern},
		"additionalProperties": schema{"type": "string", "maxLength": MaxPersonalChars},
		"description":          "Personal fields in clear. They are sealed on the way in and never stand on the log.",
	}
}

// sealedSchema is what intake makes of it.
var sealedSchema = schema{
	"type": "object", "minProperties": 1, "maxProperties": MaxPersonalFields,
	"propertyNames":        schema{"pattern": wordPattern},
	"additionalProperties": schema{"type": "string", "minLength": minCipher, "maxLength": maxCipher, "pattern": `^[ci]1\.([A-Za-z0-9_-]{4})*([A-Za-z0-9_-][AQgw]|[A-Za-z0-9_-]{2}[AEIMQUYcgkosw048])?$`},
	"description":          "Personal fields, each sealed under one of the person's two keys: its class, 1. and base64url without padding.",
}

func required(names ...string) schema { return schema{"required": names} }

func has(field, value string) schema {
	return schema{"properties": schema{field: schema{"const": value}}}
}

// cashIsHeld: cash names who holds it, and no line.
var cashIsHeld = schema{
	"if":   has("method", "cash"),
	"then": schema{"required": []string{"collector"}, "properties": schema{"line": false}},
	"else": schema{"properties": schema{"collector": false}},
}

// together says what a fact's check says of fields that need each other.
var together = map[reflect.Type]schema{
	reflect.TypeFor[Envelope](): {
		"dependentRequired": schema{
			"resubmits": []string{"resubmitssource"}, "resubmitssource": []string{"resubmits"},
			"causeid": []string{"causesource"}, "causesource": []string{"causeid"},
			"resubmitssubject": []string{"resubmits"}, "causesubject": []string{"causeid"},
			"device": []string{"deviceseq"}, "deviceseq": []string{"device"}, "ticketrange": []string{"device"},
		},
	},
	reflect.TypeFor[OrganizationRegistered](): {
		"dependentRequired": schema{"bank_bin": []string{"account"}, "account": []string{"bank_bin"}},
	},
	reflect.TypeFor[Payment]():     cashIsHeld,
	reflect.TypeFor[TicketsSold](): cashIsHeld,
	reflect.TypeFor[Undecodable](): {
		"if":   required("person"),
		"then": schema{"properties": schema{"input": schema{"pattern": `^c`}}},
		"else": schema{"properties": schema{"input": schema{"pattern": `^o`}}},
	},
	reflect.TypeFor[CashBanked]():       {"oneOf": []schema{required("collector"), required("pay_point")}},
	reflect.TypeFor[Refunded]():         {"oneOf": []schema{required("stall"), required("person")}},
	reflect.TypeFor[LineAllocated]():    {"oneOf": []schema{required("bill"), required("clearing")}},
	reflect.TypeFor[CreditApplied]():    {"oneOf": []schema{required("stall"), required("person")}},
	reflect.TypeFor[StallDescribed]():   {"anyOf": []schema{required("area_dm2"), required("class")}},
	reflect.TypeFor[ReductionGranted](): {"oneOf": []schema{required("percent"), required("amount")}},
	reflect.TypeFor[SaleReceived](): {
		"if":   has("method", "cash"),
		"then": schema{"properties": schema{"line": false}},
		"else": required("line"),
	},
	reflect.TypeFor[Spent]():             {"oneOf": []schema{required("line"), required("clearing")}},
	reflect.TypeFor[RefundedInCash]():    {"oneOf": []schema{required("stall"), required("person")}},
	reflect.TypeFor[Recovered]():         {"oneOf": []schema{required("line"), required("pay_point")}},
	reflect.TypeFor[StatementReceived](): {"dependentRequired": schema{"opening": []string{"closing"}, "closing": []string{"opening"}}},
	reflect.TypeFor[AlertRaised](): {"allOf": []schema{
		{"if": has("kind", "receipts_fell"), "then": required("stall", "since", "expected", "seen")},
		{"if": has("kind", "other_account"), "then": required("stall")},
		{"if": has("kind", "foreign_account"), "then": required("line")},
	}},
	reflect.TypeFor[InstitutionReported](): {
		"if":   has("domain", "schools"),
		"then": schema{"properties": schema{"status": schema{"enum": []string{"accepting", "not_accepting"}}}},
		"else": schema{"properties": schema{"status": schema{"enum": []string{"connected", "not_connected"}}}},
	},
}

// Schema returns the JSON Schema (2020-12) of one event type as a publisher
// hands it in, or, for facts about the log itself, as they stand on it.
//
// What the schema accepts is what ParsePublished accepts, but for what a
// schema cannot say: size, depth, duplicate names, whole numbers spelled with a
// fraction, a reference code's check character, the same item twice in a bill, a
// figure above its denominator, an end before its beginning, an event that names itself, and the subject of
// another event that is this one's own. Errors: unknown_type, unknown_version.
func Schema(eventType string) ([]byte, error) {
	g := &generator{defs: schema{}, at: "#/$defs/"}
	root, err := g.event(eventType)
	if err != nil {
		return nil, err
	}
	root["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	root["$id"] = "urn:socho:schema:" + eventType
	root["$defs"] = g.defs
	return json.Marshal(root, json.Deterministic(true), jsontext.WithIndent("  "), jsontext.SpaceAfterColon(true))
}

// event is the schema of a type as it is handed in or, sealed, on the log.
func (g *generator) event(eventType string) (schema, error) {
	e, err := Whole.find(eventType)
	if err != nil {
		return nil, err
	}
	root := g.object(reflect.TypeFor[Envelope]())
	properties := root["properties"].(schema)
	properties["specversion"] = schema{"const": "1.0"}
	properties["type"] = schema{"const": eventType}
	properties["subject"] = g.field(reflect.TypeFor[Organization]())
	properties["data"] = g.object(reflect.TypeOf(e.kind.versions[e.version-1].make()).Elem())
	root["description"] = e.kind.doc
	if e.kind.shard {
		properties["subject"] = schema{"type": "string", "pattern": shardPattern}
	}
	if !e.kind.internal() && !g.onLog {
		properties["source"] = schema{"type": "string", "maxLength": 256, "pattern": `^([A-Za-z0-9._~:/?#\[\]!$&'()*+,;=-]|%[0-9A-Fa-f]{2})+$`,
			"not":         schema{"pattern": `^(` + OwnSources + `|` + anyCase(personalSchemes) + `|[+/]*[0-9]{9,19}[+/]*$)`},
			"description": "A URI that names the publisher, never a person's number or address: no @, tel:, mailto:, sms: and the like. " + OwnSources + " is for the ledger's own processes."}
		properties["datacontenttype"] = schema{"type": "string", "pattern": `^\s*application/json\s*(;.*)?$`,
			"description": "The media type of data. It does not stand on the log."}
	}
	if e.kind.internal() {
		root["description"] = e.kind.doc + " Written by the ledger's own processes only, never handed in."
	}
	root["title"] = eventType
	return root, nil
}

// generator collects the field types that a schema refers to.
type generator struct {
	defs  schema
	at    string // where they stand, as a reference's beginning
	onLog bool   // sealed fields in place of personal ones
}

// field refers to the schema of a field's type.
func (g *generator) field(t reflect.Type) schema {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	found, ok := fieldSchemas[t]
	if !ok {
		panic("events: no schema for " + t.String())
	}
	g.defs[t.Name()] = found
	return schema{"$ref": g.at + "" + t.Name()}
}

// object is the schema of a struct: what planOf demands, in JSON Schema.
func (g *generator) object(t reflect.Type) schema {
	properties, demanded := schema{}, []string{}
	s := schema{"type": "object", "additionalProperties": false, "properties": properties}
	for _, f := range reflect.VisibleFields(t) {
		if f.Anonymous {
			if more, ok := together[f.Type]; ok {
				s["allOf"] = []schema{more}
			}
			continue
		}
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		if !strings.Contains(options, "omitzero") {
			demanded = append(demanded, name)
		}
		switch {
		case name == "sealed" && g.onLog:
			properties["sealed"] = sealedSchema
			s["dependentRequired"] = schema{"sealed": []string{"person"}}
		case name == "sealed":
			properties["personal"] = personalSchema()
			s["dependentRequired"] = schema{"personal": []string{"person"}}
		case f.Tag.Get("in") != "":
			properties[name] = schema{"enum": strings.Split(f.Tag.Get("in"), ",")}
		case f.Type == reflect.TypeFor[[]Item]():
			properties[name] = schema{"type": "array", "minItems": 1, "maxItems": MaxItems, "items": g.object(f.Type.Elem())}
		case f.Type == reflect.TypeFor[jsontext.Value](): // data, which the caller fills in
		case f.Tag.Get("within") != "":
			b := boundsOf(f.Tag.Get("within"))
			properties[name] = schema{"type": "integer", "minimum": int64(b.least), "maximum": int64(b.most)}
		case f.Type == reflect.TypeFor[Reference]() && g.onLog:
			properties[name] = schema{"type": "string", "pattern": `^[A-Z]{2}[0-9]{4}[0-9A-HJKMNP-TV-Z]{5}$`}
		case f.Tag.Get("holds") == "opaque":
			g.defs["OpaqueID"] = opaqueSchema
			properties[name] = schema{"$ref": g.at + "OpaqueID"}
		default:
			properties[name] = g.field(f.Type)
		}
	}
	if more, ok := together[t]; ok {
		s["allOf"] = []schema{more}
	}
	slices.Sort(demanded)
	s["required"] = demanded
	if _, ok := properties["currency"]; ok {
		g.amounts(s, properties)
	}
	return s
}

// amounts ties the spelling of each amount to its currency.
func (g *generator) amounts(s, properties schema) {
	spelled := func(scale int32) schema {
		amount := schema{"amount": schema{"pattern": amountPattern(scale)}}
		for _, name := range []string{"opening", "closing"} {
			if _, ok := properties[name]; ok {
				amount[name] = schema{"pattern": balancePattern(scale)}
			}
		}
		if _, ok := properties["items"]; ok {
			amount = schema{"items": schema{"items": schema{"properties": amount}}}
		}
		return schema{"properties": amount}
	}
	all, _ := s["allOf"].([]schema)
	s["allOf"] = append(all, schema{"if": has("currency", string(money.VND)), "then": spelled(0), "else": spelled(2)})
}
