package dev.s3llm.examples.langchain4j;

import com.fasterxml.jackson.annotation.JsonProperty;
import dev.langchain4j.model.chat.ChatModel;
import dev.langchain4j.model.chat.response.ChatResponse;
import dev.langchain4j.model.chat.response.StreamingChatResponseHandler;
import dev.langchain4j.service.AiServices;
import dev.langchain4j.service.UserMessage;
import dev.s3llm.S3Engine;
import dev.s3llm.cpu.CpuExecutor;
import dev.s3llm.examples.model.SmallModel;
import dev.s3llm.langchain4j.S3ChatModel;
import dev.s3llm.langchain4j.S3ChatRequestParameters;
import dev.s3llm.langchain4j.S3StreamingChatModel;
import dev.s3llm.text.TextGenerator;
import dev.s3llm.text.TextModel;
import java.nio.file.Path;
import java.util.concurrent.CompletableFuture;

public class Newcomer {
  record Person(
      @JsonProperty(required = true) String name, @JsonProperty(required = true) Integer age) {}

  interface Extractor {
    @UserMessage("Extract the person as JSON with name and age: {{it}}")
    Person person(String text);
  }

  public static void main(String[] args) {
    Path folder = args.length > 0 ? Path.of(args[0]) : SmallModel.unpack();
    S3ChatRequestParameters parameters =
        S3ChatRequestParameters.builder().maxOutputTokens(60).build();
    S3Engine engine = S3Engine.builder(CpuExecutor.builder(folder).build()).build();
    try (TextGenerator generator = TextGenerator.of(engine, TextModel.load(folder))) {
      CompletableFuture<ChatResponse> end = new CompletableFuture<>();
      S3StreamingChatModel.builder(generator)
          .defaultRequestParameters(parameters)
          .build()
          .chat(
              "Tell me about the sea.",
              new StreamingChatResponseHandler() {
                @Override
                public void onPartialResponse(String piece) {
                  System.out.print(piece);
                }

                @Override
                public void onCompleteResponse(ChatResponse response) {
                  end.complete(response);
                }

                @Override
                public void onError(Throwable failure) {
                  end.completeExceptionally(failure);
                }
              });
      end.join();
      ChatModel model = S3ChatModel.builder(generator).defaultRequestParameters(parameters).build();
      Extractor extractor = AiServices.create(Extractor.class, model);
      System.out.println("\n" + extractor.person("Ada Lovelace died at 36."));
    }
  }
}
