/**
 * The engine: the loop and its parts. Not exported, except {@code loop} to the test kit. Only the
 * root package and {@code simulate} depend on it.
 *
 * <p>A request's way from {@code submit} to the executor:
 *
 * <ol>
 *   <li>{@code S3Engine.submit} validates the request and makes a {@code Generation}, the caller's
 *       handle.
 *   <li>{@code EngineLoop.submit} makes a {@code Sequence}, the engine's record of the request, and
 *       queues it in the inbox. {@code EngineLoop.step}, on the runner's thread, empties the inbox.
 *   <li>{@code Intake} gets the prediction and adds the sequence to the {@code TenantQueues}.
 *   <li>{@code PlanBuilder} makes the plan of the next step: first it recovers sequences that have
 *       outgrown their reservations, then it fills the step and admits waiting sequences that fit.
 *   <li>{@code StepLauncher} carries the plan out: it assigns KV blocks and makes the batch.
 *   <li>{@code EngineLoop} passes the batch to {@code Executor.execute}. The result comes back
 *       through the inbox, and {@code StepResults} delivers the tokens to the {@code Generation}.
 * </ol>
 *
 * <p>Packages: {@code loop} is the state machine; {@code plan} decides about the next step; {@code
 * sequence} has the record of a request and the ledger of KV blocks; {@code feedback} has models
 * that are fitted to past steps and answers; {@code record} has events and flight recordings;
 * {@code monitor} has the watchdog.
 */
@NullMarked
package dev.s3llm.engine;

import org.jspecify.annotations.NullMarked;
