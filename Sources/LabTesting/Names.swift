// `import LabTesting` is enough for a test that names a `Scenario`, a `ScenarioResult`, a `Finding`, or writes an observer (`JournalSink`).
// Re-exported and not renamed: a test that imports both modules has one name, not two.
@_exported import SansIO
@_exported import ScenarioModel
