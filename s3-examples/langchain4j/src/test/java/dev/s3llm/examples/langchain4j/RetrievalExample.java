package dev.s3llm.examples.langchain4j;

import dev.langchain4j.data.document.Document;
import dev.langchain4j.data.document.Metadata;
import dev.langchain4j.data.document.splitter.DocumentSplitters;
import dev.langchain4j.data.segment.TextSegment;
import dev.langchain4j.model.chat.ChatModel;
import dev.langchain4j.model.embedding.EmbeddingModel;
import dev.langchain4j.model.embedding.onnx.allminilml6v2q.AllMiniLmL6V2QuantizedEmbeddingModel;
import dev.langchain4j.rag.content.Content;
import dev.langchain4j.rag.content.retriever.ContentRetriever;
import dev.langchain4j.rag.content.retriever.EmbeddingStoreContentRetriever;
import dev.langchain4j.service.AiServices;
import dev.langchain4j.service.Result;
import dev.langchain4j.store.embedding.EmbeddingStoreIngestor;
import dev.langchain4j.store.embedding.inmemory.InMemoryEmbeddingStore;
import dev.s3llm.S3Engine;
import dev.s3llm.cpu.CpuExecutor;
import dev.s3llm.examples.model.SmallModel;
import dev.s3llm.langchain4j.S3ChatModel;
import dev.s3llm.langchain4j.S3ChatRequestParameters;
import dev.s3llm.text.TextGenerator;
import dev.s3llm.text.TextModel;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;

/**
 * Answers questions about this project's documents without a network. An embedding model finds the
 * passages that are nearest in meaning; the chat model gets them together with the question.
 *
 * <p>The embedded chat model is too small for a useful answer. Give the folder of a larger model as
 * the second argument.
 */
public final class RetrievalExample {
  private static final List<String> DOCUMENTS =
      List.of("architecture.md", "embedding.md", "latency.md");
  private static final int PASSAGE_CHARACTERS = 500;
  private static final int PASSAGES = 2;

  private RetrievalExample() {}

  /** The interface that the application calls; LangChain4j implements it. */
  interface Assistant {
    /** Answers a question and names the passages that were used. */
    Result<String> answer(String question);
  }

  /** Answers one question: {@code QUESTION [MODEL_FOLDER]}. */
  public static void main(String[] args) {
    Path folder = args.length > 1 ? Path.of(args[1]) : SmallModel.unpack();
    S3Engine engine = S3Engine.builder(CpuExecutor.builder(folder).build()).build();
    try (TextGenerator generator = TextGenerator.of(engine, TextModel.load(folder))) {
      ChatModel model =
          S3ChatModel.builder(generator)
              .defaultRequestParameters(
                  S3ChatRequestParameters.builder().maxOutputTokens(96).build())
              .build();
      Result<String> result = assistant(model).answer(args[0]);
      for (Content source : result.sources()) {
        TextSegment passage = source.textSegment();
        System.out.printf("-- %s%n%s%n%n", passage.metadata().getString("file"), passage.text());
      }
      System.out.printf("== %s%n%s%n", args[0], result.content());
    }
  }

  static Assistant assistant(ChatModel model) {
    return AiServices.builder(Assistant.class)
        .chatModel(model)
        .contentRetriever(retriever())
        .build();
  }

  private static ContentRetriever retriever() {
    EmbeddingModel embeddings = new AllMiniLmL6V2QuantizedEmbeddingModel();
    InMemoryEmbeddingStore<TextSegment> store = new InMemoryEmbeddingStore<>();
    EmbeddingStoreIngestor.builder()
        .documentSplitter(DocumentSplitters.recursive(PASSAGE_CHARACTERS, 0))
        .embeddingModel(embeddings)
        .embeddingStore(store)
        .build()
        .ingest(DOCUMENTS.stream().map(RetrievalExample::document).toList());
    return EmbeddingStoreContentRetriever.builder()
        .embeddingModel(embeddings)
        .embeddingStore(store)
        .maxResults(PASSAGES)
        .build();
  }

  private static Document document(String file) {
    try (InputStream in = RetrievalExample.class.getResourceAsStream("/docs/" + file)) {
      if (in == null) {
        throw new IllegalStateException("the jar lacks docs/" + file);
      }
      String text = new String(in.readAllBytes(), StandardCharsets.UTF_8);
      return Document.from(text, Metadata.from("file", file));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
