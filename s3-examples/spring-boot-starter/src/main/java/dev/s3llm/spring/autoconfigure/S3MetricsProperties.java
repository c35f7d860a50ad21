package dev.s3llm.spring.autoconfigure;

import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;

/**
 * Properties of the metrics.
 *
 * @param vllmNames whether the waiting requests and the KV use are also published under the names
 *     of vLLM, which inference gateways read.
 */
@ConfigurationProperties("s3llm.metrics")
public record S3MetricsProperties(@DefaultValue("false") boolean vllmNames) {}
