import Foundation
import Glibc

/// One storm, twice, against one program; and what it left behind.
struct Trial {
  private static let transports = ["udp", "tcp", "tls"]
  /// Descriptors that may stay behind, and how long they may take.
  private static let spare = 16
  private static let patience = 15
  private static let growthKilobytes = 5 * 1_024

  private let storm: Storm
  private let program: String
  private let count: Int
  /// Seconds from the end of a storm to the look at memory: transactions live for 64·T1.
  private let settle: Int

  init(_ storm: Storm, program: String, count: Int, settle: Int) throws {
    (self.storm, self.program, self.count, self.settle) = (storm, program, count, settle)
  }

  struct Verdict {
    var lines: [String]
    var isWell: Bool
  }

  func run(_ makeBreaker: (Int) -> Breaker) throws -> Verdict {
    let served = try Served(program, policy: storm.policy, descriptors: storm.descriptors)
    defer { served.stop() }
    var complaints: [String] = []
    complaints += calls(served, "before")
    let start = served.descriptors
    var resident: [Int] = []
    var seconds: [Double] = []
    for (index, turn) in ["the first time", "the second time"].enumerated() {
      var breaker = makeBreaker(index)
      let began = Date()
      storm.blow(count, &breaker) { complaints += calls(served, "during \(turn)") }
      seconds.append(Date().timeIntervalSince(began))
      complaints += breaker.complaints
      if let left = descriptorsLeft(served, start) { complaints.append("\(left) descriptors after \(turn), \(start) at the start") }
      complaints += calls(served, "after \(turn)")
      sleep(UInt32(settle))
      guard served.isRunning else { break }
      resident.append(served.residentKilobytes)
    }
    if !served.isRunning { complaints.append("the program ended") }
    if resident.count == 2, resident[1] - resident[0] > Self.growthKilobytes {
      complaints.append("the second time added \(resident[1] - resident[0]) kB of resident memory")
    }
    if !served.emptyFiles.isEmpty { complaints.append("\(served.emptyFiles.count) empty captures, such as \(served.emptyFiles[0])") }
    return verdict(complaints, start: start, end: served.descriptors, resident, seconds, served)
  }

  private func calls(_ served: Served, _ when: String) -> [String] {
    Self.transports.compactMap { transport in served.callFailure(transport).map { "the call \(when) failed: \($0)" } }
  }

  /// Calls that a broken INVITE began are live until no ACK came for 64·T1 and their BYE had no answer for as long (RFC 3261 §13.3.1.4):
  /// their descriptors are not left behind, and the patience begins when they have ended.
  private func descriptorsLeft(_ served: Served, _ start: Int) -> Int? {
    guard waitForDescriptors(served, start) != nil else { return nil }
    for _ in 0..<100 where served.liveCalls > 0 { sleep(1) }
    return waitForDescriptors(served, start)
  }

  /// nil once they are back; else how many there still are.
  private func waitForDescriptors(_ served: Served, _ start: Int) -> Int? {
    for _ in 0..<Self.patience * 10 {
      if served.descriptors <= start + Self.spare { return nil }
      usleep(100_000)
    }
    return served.descriptors
  }

  private func verdict(
    _ complaints: [String], start: Int, end: Int, _ resident: [Int], _ seconds: [Double], _ served: Served
  ) -> Verdict {
    let times = seconds.map { String(format: "%.1f s", $0) }.joined(separator: ", ")
    let memory = resident.map { String(format: "%.1f MB", Double($0) / 1_024) }.joined(separator: ", ")
    let state = complaints.isEmpty ? "well  " : "UNWELL"
    let head = "\(state) \(storm.name): \(count) in \(times); descriptors \(start) to \(end); resident \(memory)"
    let log = complaints.isEmpty ? [] : ["    its last words:"] + served.tail.split(separator: "\n").map { "      \($0)" }
    return Verdict(lines: [head] + complaints.map { "    \($0)" } + log, isWell: complaints.isEmpty)
  }
}
