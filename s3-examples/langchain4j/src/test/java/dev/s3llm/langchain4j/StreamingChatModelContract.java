package dev.s3llm.langchain4j;

import dev.langchain4j.model.chat.StreamingChatModel;
import dev.langchain4j.model.chat.common.AbstractStreamingChatModelIT;
import dev.langchain4j.model.chat.common.StreamingMode;
import dev.langchain4j.model.chat.request.ChatRequestParameters;
import dev.langchain4j.model.chat.response.ChatResponseMetadata;
import dev.s3llm.text.TextGenerator;
import java.util.List;
import org.junit.jupiter.api.AfterAll;

/**
 * LangChain4j's common tests of streaming chat models, with the features that are supported; to a
 * handler and as a publisher.
 */
abstract class StreamingChatModelContract extends AbstractStreamingChatModelIT {
  private final TextGenerator generator = generator();

  abstract TextGenerator generator();

  @AfterAll
  void close() {
    generator.close();
  }

  S3ChatBuilder<S3StreamingChatModel> builder() {
    return S3StreamingChatModel.builder(generator);
  }

  @Override
  protected List<StreamingMode> streamingModes() {
    return List.of(StreamingMode.HANDLER, StreamingMode.PUBLISHER);
  }

  @Override
  protected List<StreamingChatModel> baseModels() {
    return List.of(builder().build());
  }

  @Override
  protected StreamingChatModel createModelWith(ChatRequestParameters parameters) {
    return builder().defaultRequestParameters(parameters).build();
  }

  @Override
  protected ChatRequestParameters createIntegrationSpecificParameters(int maxOutputTokens) {
    return S3ChatRequestParameters.builder().maxOutputTokens(maxOutputTokens).build();
  }

  @Override
  protected Class<? extends ChatResponseMetadata> chatResponseMetadataType(
      StreamingChatModel model) {
    return S3ChatResponseMetadata.class;
  }

  @Override
  protected boolean supportsModelNameParameter() {
    return false;
  }

  @Override
  protected boolean supportsSingleImageInputAsBase64EncodedString() {
    return false;
  }

  @Override
  protected boolean supportsSingleImageInputAsPublicURL() {
    return false;
  }
}
