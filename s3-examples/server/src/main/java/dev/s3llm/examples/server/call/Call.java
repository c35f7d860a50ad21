package dev.s3llm.examples.server.call;

import dev.s3llm.examples.server.openai.CompletionHead;
import dev.s3llm.examples.server.openai.Endpoint;
import dev.s3llm.spring.ServedCall;
import dev.s3llm.text.TextGeneration;
import java.time.Instant;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.locks.ReentrantLock;
import reactor.util.context.ContextView;

/**
 * One request of a client, created when it has been read. It is cancelled when its exchange ends,
 * in every state of the request. Thread-safe.
 */
public final class Call {
  private final Endpoint endpoint;
  private final String limitField;
  private final String model;
  private final ContextView context;
  private final String id;
  private final Instant created = Instant.now();
  private final ReentrantLock lock = new ReentrantLock();
  private Instant submitted = created;
  private List<Answer> answers = List.of();
  private boolean cancelled;

  /**
   * Creates a call that was read now.
   *
   * @param limitField name of the request's field that limits the answer
   * @param context Reactor's context of the exchange
   */
  public Call(Endpoint endpoint, String limitField, String model, ContextView context) {
    this.endpoint = endpoint;
    this.limitField = limitField;
    this.model = model;
    this.context = context;
    this.id = endpoint.idPrefix() + UUID.randomUUID();
  }

  /** Returns the endpoint. */
  public Endpoint endpoint() {
    return endpoint;
  }

  /** Returns the name of the request's field that limits the answer. */
  String limitField() {
    return limitField;
  }

  /** Returns the id in responses, which is also the id of its first generation. */
  public String id() {
    return id;
  }

  /** Returns the fields that all responses to the call have in common. */
  public CompletionHead head() {
    return new CompletionHead(id, created, model);
  }

  /** Returns the description of the call for meters and spans. */
  public ServedCall served() {
    lock.lock();
    try {
      return new ServedCall(endpoint.operation(), model, id, created, submitted);
    } finally {
      lock.unlock();
    }
  }

  /** Returns Reactor's context of the exchange, with its observation. */
  public ContextView context() {
    return context;
  }

  /** Returns whether the exchange has ended. */
  boolean cancelled() {
    lock.lock();
    try {
      return cancelled;
    } finally {
      lock.unlock();
    }
  }

  /** Sets the answers, and cancels them if the exchange has ended. */
  void started(List<Answer> started) {
    boolean late;
    lock.lock();
    try {
      submitted = Instant.now();
      answers = List.copyOf(started);
      late = cancelled;
    } finally {
      lock.unlock();
    }
    if (late) {
      cancel(started);
    }
  }

  /** Cancels the call in every state. Has no effect if the call has ended. */
  public void cancel() {
    List<Answer> running;
    lock.lock();
    try {
      cancelled = true;
      running = answers;
    } finally {
      lock.unlock();
    }
    cancel(running);
  }

  private static void cancel(List<Answer> answers) {
    answers.forEach(answer -> answer.generation().ifPresent(TextGeneration::cancel));
  }
}
