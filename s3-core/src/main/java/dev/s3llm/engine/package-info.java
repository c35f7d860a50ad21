/**
 * The engine, which is not exported: the loop and what it is made of. Only the root package and
 * {@code simulate} depend on it.
 *
 * <p>A request's way from {@code submit} to the executor:
 *
 * <ol>
 *   <li>{@code S3Engine.submit} validates the request and makes a {@code Generation}, the caller's
 *       handle.
 *   <li>{@code EngineLoop.submit} puts a {@code Sequence}, the engine's record of the request, into
 *       the inbox. The runner's thread calls {@code EngineLoop.step}, which empties the inbox.
 *   <li>{@code Intake} gets the prediction and adds the sequence to the {@code TenantQueues}.
 *   <li>{@code PlanBuilder} makes the plan of the next step: it recovers sequences that outgrew
 *       their reservations, then fills the step and admits sequences that fit.
 *   <li>{@code StepLauncher} carries the plan out: it moves the KV blocks and makes the batch.
 *   <li>{@code Executor.execute} runs the batch. Its result comes back through the inbox, and
 *       {@code StepResults} delivers the tokens.
 * </ol>
 *
 * <p>{@code loop} holds the state machine, {@code plan} the decisions about the next step, {@code
 * sequence} the record of a request and the ledger of KV blocks, {@code feedback} what is learned
 * from steps and answers, {@code record} events and flight recordings, {@code monitor} the
 * watchdog.
 */
@NullMarked
package dev.s3llm.engine;

import org.jspecify.annotations.NullMarked;
