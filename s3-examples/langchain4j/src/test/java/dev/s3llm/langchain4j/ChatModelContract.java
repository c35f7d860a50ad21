package dev.s3llm.langchain4j;

import dev.langchain4j.model.chat.ChatModel;
import dev.langchain4j.model.chat.common.AbstractChatModelIT;
import dev.langchain4j.model.chat.request.ChatRequestParameters;
import dev.langchain4j.model.chat.response.ChatResponseMetadata;
import dev.s3llm.text.TextGenerator;
import java.util.List;
import org.junit.jupiter.api.AfterAll;

/** LangChain4j's common tests of chat models, with the features that are supported. */
abstract class ChatModelContract extends AbstractChatModelIT {
  private final TextGenerator generator = generator();

  abstract TextGenerator generator();

  @AfterAll
  void close() {
    generator.close();
  }

  @Override
  protected List<ChatModel> models() {
    return List.of(S3ChatModel.builder(generator).build());
  }

  @Override
  protected ChatModel createModelWith(ChatRequestParameters parameters) {
    return S3ChatModel.builder(generator).defaultRequestParameters(parameters).build();
  }

  @Override
  protected ChatRequestParameters createIntegrationSpecificParameters(int maxOutputTokens) {
    return S3ChatRequestParameters.builder().maxOutputTokens(maxOutputTokens).build();
  }

  @Override
  protected Class<? extends ChatResponseMetadata> chatResponseMetadataType(ChatModel model) {
    return S3ChatResponseMetadata.class;
  }

  @Override
  protected boolean supportsChatAsync() {
    return true;
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
