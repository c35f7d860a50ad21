/**
 * Tools to test implementations of the library's interfaces: contract kits for executors, planners,
 * predictors and scheduling policies, a reference executor whose tokens are a hash of its KV
 * contents, and an engine on virtual time that a test steps by hand.
 */
package dev.s3llm.testkit;
