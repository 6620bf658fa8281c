package kafka

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	kafkago "github.com/segmentio/kafka-go"
)

// TopicInfo is what CheckTopic found out about a topic that is fit to be a book of record.
type TopicInfo struct {
	Name        string
	Partitions  int
	Replication int // the smallest number of replicas among the partitions
	MinInSync   int // min.insync.replicas; 0 where the broker does not say
}

// forEver are the settings of a topic that keeps everything.
var forEver = []struct{ name, value, why string }{
	{"cleanup.policy", "delete", "compaction drops all but the last record of a key"},
	{"retention.ms", "-1", "records expire after that time"},
	{"retention.bytes", "-1", "the oldest records go when the partition grows beyond it"},
}

// EnsureTopic creates the topic, to be kept for ever, unless it exists. The number of partitions of a ledger's topic
// is for life, so an existing topic must have exactly that many; replication 0 or less takes the broker's default.
// Whether an existing topic is safe is CheckTopic's question.
//
// A crash right after the broker's acknowledgement leaves an empty topic, which the next call finds.
//
// Errors: ErrTopicMismatch, ErrBrokerAway, ErrClosed, or the context's.
func (c *Client) EnsureTopic(ctx context.Context, topic string, partitions, replication int) (created bool, err error) {
	if replication <= 0 {
		replication = -1
	}
	if partitions < 1 {
		return false, fmt.Errorf("kafka: creating topic %s: at least one partition is needed, not %d", topic, partitions)
	}
	cfg := kafkago.TopicConfig{Topic: topic, NumPartitions: partitions, ReplicationFactor: replication}
	for _, s := range forEver {
		cfg.ConfigEntries = append(cfg.ConfigEntries, kafkago.ConfigEntry{ConfigName: s.name, ConfigValue: s.value})
	}
	if n := c.opts.MinInSync; n > 0 {
		cfg.ConfigEntries = append(cfg.ConfigEntries, kafkago.ConfigEntry{ConfigName: "min.insync.replicas", ConfigValue: strconv.Itoa(n)})
	}
	// Look first: asking to create a topic that exists is refused only after the broker has thought about it, and an
	// account that may read and write but not create would be refused outright.
	have, err := c.partitions(ctx, topic)
	if errors.Is(err, ErrTopicMissing) {
		err = c.retry(ctx, "creating topic "+topic, 20*time.Second, func(ctx context.Context) error {
			res, err := c.low.CreateTopics(ctx, &kafkago.CreateTopicsRequest{Topics: []kafkago.TopicConfig{cfg}})
			if err != nil {
				return err
			}
			switch err := res.Errors[topic]; {
			case err == nil:
				created = true
				return nil
			case errors.Is(err, kafkago.TopicAlreadyExists): // another process was faster
				return nil
			default:
				return err
			}
		})
		if err != nil {
			return false, err
		}
		if have, err = c.partitions(ctx, topic); err != nil {
			return created, err
		}
	}
	if err != nil {
		return false, err
	}
	if have.Partitions != partitions {
		return created, &Error{Code: ErrTopicMismatch.Code, Message: fmt.Sprintf(
			"kafka: topic %s has %d partitions, not %d; the number of partitions is for life: use that number, or another topic",
			topic, have.Partitions, partitions)}
	}
	return created, nil
}

// CheckTopic looks at the settings in force (the topic's own, or those it inherits from the broker) and refuses a
// topic that would lose records: one that is compacted, or that has any finite retention by time or size.
//
// Errors: ErrTopicUnsafe (its Setting says which), ErrTopicMissing, ErrBrokerAway, ErrClosed, or the context's.
func (c *Client) CheckTopic(ctx context.Context, topic string) (TopicInfo, error) {
	info, err := c.partitions(ctx, topic)
	if err != nil {
		return TopicInfo{}, err
	}
	settings, err := c.settings(ctx, topic)
	if err != nil {
		return TopicInfo{}, err
	}
	for _, s := range forEver {
		got, ok := settings[s.name]
		if ok && safe(s.name, got) {
			continue
		}
		if !ok {
			got = "unknown"
		}
		return TopicInfo{}, &Error{Code: ErrTopicUnsafe.Code, Setting: s.name, Message: fmt.Sprintf(
			"kafka: topic %s has %s=%s: %s. A ledger's topic is kept for ever; set it with: kafka-configs.sh --alter --entity-type topics --entity-name %s --add-config %s=%s",
			topic, s.name, got, s.why, topic, s.name, s.value)}
	}
	info.MinInSync, _ = strconv.Atoi(settings["min.insync.replicas"])
	return info, nil
}

func safe(setting, value string) bool {
	if setting == "cleanup.policy" {
		return strings.TrimSpace(value) == "delete"
	}
	n, err := strconv.ParseInt(strings.TrimSpace(value), 10, 64)
	return err == nil && n < 0
}

// partitions asks for the topic's layout.
func (c *Client) partitions(ctx context.Context, topic string) (info TopicInfo, err error) {
	err = c.retry(ctx, "looking for topic "+topic, 10*time.Second, func(ctx context.Context) error {
		res, err := c.low.Metadata(ctx, &kafkago.MetadataRequest{Topics: []string{topic}})
		if err != nil {
			return err
		}
		for _, t := range res.Topics {
			if t.Name != topic {
				continue
			}
			if t.Error != nil {
				return t.Error
			}
			info = TopicInfo{Name: topic, Partitions: len(t.Partitions)}
			for i, p := range t.Partitions {
				if i == 0 || len(p.Replicas) < info.Replication {
					info.Replication = len(p.Replicas)
				}
			}
			return nil
		}
		return kafkago.UnknownTopicOrPartition
	})
	return info, err
}

// settings asks for the values in force, which a broker reports for inherited settings too.
func (c *Client) settings(ctx context.Context, topic string) (map[string]string, error) {
	out := make(map[string]string)
	err := c.retry(ctx, "asking for the settings of topic "+topic, 10*time.Second, func(ctx context.Context) error {
		res, err := c.low.DescribeConfigs(ctx, &kafkago.DescribeConfigsRequest{Resources: []kafkago.DescribeConfigRequestResource{{
			ResourceType: kafkago.ResourceTypeTopic,
			ResourceName: topic,
			ConfigNames:  []string{"cleanup.policy", "retention.ms", "retention.bytes", "min.insync.replicas"},
		}}})
		if err != nil {
			return err
		}
		for _, r := range res.Resources {
			if r.Error != nil {
				return r.Error
			}
			for _, e := range r.ConfigEntries {
				out[e.ConfigName] = e.ConfigValue
			}
		}
		return nil
	})
	return out, err
}
