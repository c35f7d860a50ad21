/**
 * What people test their own parts with: contract kits that implementations of an executor, a
 * planner, a predictor or a scheduling policy extend, a reference executor whose tokens are a hash
 * of its KV contents, and an engine on virtual time that a test steps by hand.
 */
package dev.s3llm.testkit;
