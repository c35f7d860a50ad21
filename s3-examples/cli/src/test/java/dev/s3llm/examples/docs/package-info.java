/**
 * Tests of the README and of the pages in {@code docs}: every block of Java that they show stands
 * in a class of this package, which is compiled and run.
 */
package dev.s3llm.examples.docs;
