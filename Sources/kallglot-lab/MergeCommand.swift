import ArgumentParser
import FoundationEssentials
import Reports

/// `kallglot-lab merge`: the reports of all shards as one.
struct MergeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "merge", abstract: "Combine the JSON reports of all shards of a run.",
    discussion: """
      Each machine runs its part and keeps its report; then one machine combines them and gets the exit code of a single run:
        kallglot-lab run scenarios --shard 1/3 --json shard-1.json
        kallglot-lab merge shard-1.json shard-2.json shard-3.json --junit all.xml
      Shards of another seed, another commit or version of the program, other scenarios, or another number of shards are refused, and so \
      is a shard that is missing or given twice.

      Exit codes: those of run; 2 when the reports are not the shards of one run.
      """)

  @Argument(help: "Reports that run --shard I/N --json wrote, one of each shard.")
  var reports: [String]

  @Option(parsing: .unconditional, help: ArgumentHelp("File for all results as JSON.", valueName: "file"))
  var json: String?

  @Option(parsing: .unconditional, help: ArgumentHelp("File for all results as JUnit XML.", valueName: "file"))
  var junit: String?

  @Flag(help: "Show only what did not pass, and the last line.")
  var quiet = false

  func run() throws {
    let read = try reports.map { (file: $0, record: try Self.read($0)) }
    let record: RunRecord
    do { record = try ShardMerge.merge(read) } catch { throw Complaint("\(error)") }
    let style = Terminal.ofStandardOutput.style
    for result in record.results where !result.verdict.isGood { for line in TextReport.lines(result, style: style) { say(line) } }
    for line in quiet ? Summary.ending(record, style) : Summary.lines(record, style: style) { say(line) }
    try RunReports(json: json, junit: junit).write(record)
    GitHubRun.current?.summarize(record)
    let status = RunOutcome(record)
    if status != .passed { throw ExitWith(code: status.rawValue) }
  }

  private static func read(_ path: String) throws -> RunRecord {
    let data = try Input.data(of: path)
    do { return try JSONDecoder().decode(JSONResults.self, from: data).record } catch {
      throw Complaint("\(path) is not a report of run --json by this version of kallglot-lab")
    }
  }
}
