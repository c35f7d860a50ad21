package dev.s3llm.spring.autoconfigure;

import dev.s3llm.spring.ServedModel;
import dev.s3llm.springai.S3ChatModel;
import dev.s3llm.springai.S3ChatOptions;
import dev.s3llm.text.TextGenerator;
import io.micrometer.observation.ObservationRegistry;
import org.springframework.ai.chat.client.AdvisorParams;
import org.springframework.ai.chat.client.ChatClientBuilderCustomizer;
import org.springframework.ai.chat.model.ChatModel;
import org.springframework.ai.chat.observation.ChatModelObservationConvention;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.boot.autoconfigure.AutoConfiguration;
import org.springframework.boot.autoconfigure.condition.ConditionalOnClass;
import org.springframework.boot.autoconfigure.condition.ConditionalOnMissingBean;
import org.springframework.boot.autoconfigure.condition.ConditionalOnProperty;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

/**
 * Creates Spring AI's chat model, on which Spring AI's own auto-configuration builds chat clients.
 * An {@link S3ChatOptions} bean replaces the options of the properties.
 */
@AutoConfiguration(after = S3AutoConfiguration.class)
@ConditionalOnClass({S3ChatModel.class, ChatModel.class})
@ConditionalOnProperty(name = "spring.ai.model.chat", havingValue = "s3", matchIfMissing = true)
@EnableConfigurationProperties(S3ChatProperties.class)
public class S3ChatAutoConfiguration {

  @Bean
  @ConditionalOnMissingBean
  S3ChatModel s3ChatModel(
      TextGenerator generator,
      ServedModel model,
      S3ChatProperties properties,
      ObjectProvider<S3ChatOptions> options,
      ObjectProvider<ObservationRegistry> registries,
      ObjectProvider<ChatModelObservationConvention> conventions) {
    S3ChatModel.Builder builder =
        S3ChatModel.builder(generator)
            .modelName(model.name())
            .options(options.getIfAvailable(properties::options));
    registries.ifUnique(builder::observationRegistry);
    conventions.ifAvailable(builder::observationConvention);
    return builder.build();
  }

  /** Apart, since an application may have chat models and no chat clients. */
  @Configuration(proxyBeanMethods = false)
  @ConditionalOnClass(ChatClientBuilderCustomizer.class)
  static class Clients {

    @Bean
    @ConditionalOnProperty(name = "s3llm.chat.native-structured-output", matchIfMissing = true)
    ChatClientBuilderCustomizer s3StructuredOutput(ObjectProvider<ChatModel> models) {
      return client -> {
        if (models.getIfUnique() instanceof S3ChatModel) {
          client.defaultAdvisors(AdvisorParams.ENABLE_NATIVE_STRUCTURED_OUTPUT);
        }
      };
    }
  }
}
