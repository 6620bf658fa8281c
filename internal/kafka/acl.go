package kafka

import (
	"context"
	"fmt"
	"time"

	kafkago "github.com/segmentio/kafka-go"
)

// Allow sets the access rules of a book of record on a cluster that has an authorizer: the writer may write and read
// the topic, readers may read it. Nobody else is let in by it; who was let in before still is. Asking twice is asking
// once. It needs the rights of the cluster's administrator.
//
// Errors: the cluster's refusal, ErrBrokerAway, ErrClosed, or the context's.
func (c *Client) Allow(ctx context.Context, topic, writer string, readers ...string) error {
	rule := func(user string, may kafkago.ACLOperationType) kafkago.ACLEntry {
		return kafkago.ACLEntry{ResourceType: kafkago.ResourceTypeTopic, ResourceName: topic, ResourcePatternType: kafkago.PatternTypeLiteral,
			Principal: "User:" + user, Host: "*", Operation: may, PermissionType: kafkago.ACLPermissionTypeAllow}
	}
	rules := []kafkago.ACLEntry{
		rule(writer, kafkago.ACLOperationTypeWrite), rule(writer, kafkago.ACLOperationTypeRead),
		rule(writer, kafkago.ACLOperationTypeDescribe), rule(writer, kafkago.ACLOperationTypeDescribeConfigs),
	}
	for _, reader := range readers {
		rules = append(rules, rule(reader, kafkago.ACLOperationTypeRead), rule(reader, kafkago.ACLOperationTypeDescribe),
			rule(reader, kafkago.ACLOperationTypeDescribeConfigs))
	}
	return c.retry(ctx, "setting access rules of topic "+topic, 20*time.Second, func(ctx context.Context) error {
		res, err := c.low.CreateACLs(ctx, &kafkago.CreateACLsRequest{ACLs: rules})
		if err != nil {
			return err
		}
		for i, err := range res.Errors {
			if err != nil {
				return fmt.Errorf("%s of %s: %w", rules[i].Operation, rules[i].Principal, err)
			}
		}
		return nil
	})
}

// LeaderPort is the port of the broker that leads a partition. Errors: those of Fetch.
func (c *Client) LeaderPort(ctx context.Context, topic string, partition int) (port int, err error) {
	err = c.retry(ctx, "asking who leads topic "+topic, 10*time.Second, func(ctx context.Context) error {
		res, err := c.low.Metadata(ctx, &kafkago.MetadataRequest{Topics: []string{topic}})
		if err != nil {
			return err
		}
		for _, t := range res.Topics {
			for _, p := range t.Partitions {
				if t.Name == topic && p.ID == partition && p.Leader.Host != "" {
					port = p.Leader.Port
					return nil
				}
			}
		}
		return kafkago.LeaderNotAvailable
	})
	return port, err
}
