import Foundation
import Testing

/// The arrow table of the design: a module imports modules of lower rows only, and of the side modules what is named here.
private let rows: [[String]] = [
  ["SansIO", "Rules"], ["SIPMessage", "SDP", "RTP", "Codecs", "Mark", "SecureTransport", "SRTP", "KallglotPolicy", "Impairments"],
  ["SIPTransaction", "SIPTransport", "SIPComposition"], ["SIPUserAgent", "Media"],
  ["CallControl"],
  ["Kallglot", "Personas", "Defects", "WireReader", "Inspection", "Decryption"],
  ["ScenarioModel"], ["ScenarioEngine"], ["Reports", "Serving", "LiveStage", "LabTesting", "FuzzTargets"],
  ["kallglot-lab", "lab-bench", "lab-fuzz", "lab-abuse", "lab-planted", "lab-foreign"],
]

/// Within a row: a transaction keeps the flow of its request, and says how a flow failed; it and the transport answer by themselves what no
/// user agent sees (100, ACK to a refusal, 400 to what nobody can read). Inspection judges what the reader saw, and
/// Decryption writes it again. Rules are values of the contract. A mark is heard in frames of audio.
private let siblings: [String: Set<String>] = [
  "SIPTransaction": ["SIPTransport", "SIPComposition"], "SIPTransport": ["SIPComposition"], "Inspection": ["WireReader"],
  "Decryption": ["WireReader"], "VirtualNetwork": ["Impairments"], "Rules": ["SansIO"], "SDP": ["SRTP", "SecureTransport"],
  "Mark": ["Codecs"],
]

/// Beside the rows: each imports the contract alone.
private let sideModules = ["VirtualNetwork", "LiveNetwork", "Capture"]

/// The passive reader stays independent of the stack whose packets it reads: no state machine, no transport, no user agent of ours.
private let independent: [String: Set<String>] = [
  "WireReader": ["SansIO", "SIPMessage", "SDP", "RTP", "Codecs", "SRTP", "Capture"],
  "Inspection": ["SansIO", "Rules", "SIPMessage", "SDP", "RTP", "Codecs", "SRTP", "Capture", "WireReader"],
  "Decryption": ["SansIO", "SIPMessage", "SDP", "RTP", "Codecs", "SRTP", "Capture", "WireReader"],
]

/// A scenario says what is wanted and what packets have to show: in words of its own, not of the stack that it judges (design 4).
private let unknownToTheLanguage: Set<String> = ["CallControl", "Kallglot", "SIPUserAgent", "Personas"]

/// Modules of others, and C libraries, by who may import them.
private let foreign: [String: Set<String>] = [
  "COpenSSL": ["SecureTransport", "SIPUserAgent", "WireReader", "ScenarioModel", "lab-bench"], "CVirtualTime": ["SecureTransport"],
  "CPcap": ["Capture"], "CZlib": ["Capture"], "CSRTP": ["SRTP", "lab-bench"],
  "COpus": ["Codecs", "lab-bench"], "CSpandsp": ["Codecs", "lab-bench"], "CSpeexDSP": ["Codecs"],
  "CSockets": ["LiveNetwork"], "CTunnel": ["kallglot-lab"], "CAllocationCount": ["lab-bench"],
  "NIOCore": ["LiveNetwork", "Serving", "LiveStage"], "NIOPosix": ["LiveNetwork", "LiveStage"], "Yams": ["ScenarioModel"],
  "ArgumentParser": ["kallglot-lab", "lab-bench", "lab-abuse", "lab-planted", "lab-foreign"],
  "Foundation": ["kallglot-lab", "lab-bench", "lab-fuzz", "lab-abuse", "lab-planted", "lab-foreign"],
  "FoundationEssentials": ["ScenarioEngine", "Serving", "LabTesting", "kallglot-lab"],
  "Dispatch": ["kallglot-lab", "LiveNetwork"], "Synchronization": ["kallglot-lab", "LiveNetwork", "Serving", "lab-bench"],
  "Glibc": [
    "SIPMessage", "Media", "RTP", "LiveNetwork", "LiveStage", "Serving", "Capture", "SecureTransport", "Inspection", "lab-bench",
    "Codecs", "lab-abuse",
  ],
]

/// Row 10, and what may know clocks, tasks and the operating system.
private let drivers: Set<String> = [
  "LiveNetwork", "Serving", "LiveStage", "kallglot-lab", "lab-bench", "lab-fuzz", "lab-abuse", "lab-planted",
  "lab-foreign",
]

@Suite struct ArrowTests {
  @Test func `a module imports lower rows only (design 4)`() {
    var place: [String: Int] = [:]
    for (row, modules) in rows.enumerated() { for module in modules { place[module] = row + 1 } }
    for file in Repository.files("Sources") {
      for imported in file.imports where imported != file.module {
        if let target = place[imported] {
          let own = place[file.module] ?? (imported == "SansIO" ? 99 : 0)
          let isAllowed = own > target || siblings[file.module]?.contains(imported) == true
          #expect(isAllowed, "\(file.path) imports \(imported), which is not below it")
        } else if sideModules.contains(imported) {
          let isAllowed = place[file.module] ?? 0 >= 8 || independent[file.module]?.contains(imported) == true
          #expect(isAllowed, "\(file.path) imports \(imported): only rows from 8 on may, and the passive reader Capture alone")
        } else {
          #expect(foreign[imported]?.contains(file.module) == true, "\(file.path) imports \(imported), which nobody said it may")
        }
      }
    }
  }

  @Test func `the language of scenarios knows neither legs nor products nor the endpoint (design 5)`() {
    for file in Repository.files("Sources") where file.module == "ScenarioModel" {
      #expect(unknownToTheLanguage.isDisjoint(with: file.imports), "\(file.path)")
    }
  }

  @Test func `the passive reader imports formats and captures alone (design 4)`() {
    for file in Repository.files("Sources") {
      guard let allowed = independent[file.module] else { continue }
      for imported in file.imports where isOurs(imported) {
        #expect(allowed.contains(imported), "\(file.path) imports \(imported): it would judge our stack by our stack")
      }
    }
  }

  private func isOurs(_ module: String) -> Bool { rows.contains { $0.contains(module) } || sideModules.contains(module) }

  @Test func `the table names every module and no other`() {
    let folders = Set((try? FileManager.default.contentsOfDirectory(atPath: "\(Repository.root)/Sources")) ?? [])
    let libraries = ["COpenSSL", "CPcap", "CSRTP", "COpus", "CSpandsp", "CSpeexDSP", "CZlib"]
    let shims = ["CSockets", "CTunnel", "CVirtualTime", "CAllocationCount"]
    let named = Set(rows.flatMap(\.self) + sideModules + libraries + shims)
    #expect(folders == named)
  }
}

@Suite struct PurityTests {
  /// What protocol code must not do: read a clock, sleep, start tasks, lock, print, draw what no seed repeats.
  private let banned = [
    "ContinuousClock", "SuspendingClock", "Date(", "clock_gettime", "gettimeofday(", "Task {", "Task.sleep", "Thread.", "sleep(",
    "DispatchQueue", "print(",
    "NSLock", "Mutex(", "async ", "await ", "SystemRandomNumberGenerator", ".random(in: 0", "shuffled()", "randomElement()", "UUID()",
  ]

  /// Where one of them has its one place, and why.
  private let allowed: [String: [String]] = [
    // The system's own randomness is one of the two sources, and a Ratio draws from a generator it was handed.
    "Sources/SansIO/Entropy.swift": ["SystemRandomNumberGenerator", ".random(in: 0"],
    // Each link draws from its own seeded generator.
    "Sources/Impairments/Jitter.swift": [".random(in: 0"], "Sources/RTP/ReceptionStatistics.swift": [".random(in: 0"],
    // How long a run took on the wall is told beside its result and touches nothing in it.
    "Sources/ScenarioEngine/VirtualRun.swift": ["ContinuousClock"],
  ]

  @Test func `below the drivers there is no clock, task, sleep, lock, print or unseeded random (design 2, 3)`() {
    for file in Repository.files("Sources") where !drivers.contains(file.module) {
      for (number, line) in Repository.code(file.text).enumerated() {
        // A fingerprint is not printed.
        let words = line.replacing("ingerprint(", with: "(")
        for word in banned where words.contains(word) && allowed[file.path]?.contains(word) != true {
          Issue.record("\(file.path):\(number + 1) has '\(word)': \(line.trimmingCharacters(in: .whitespaces))")
        }
      }
    }
  }

  @Test func `nothing that came from outside can crash us by a forced try, cast or unwrap`() {
    for file in Repository.files("Sources") {
      for (number, line) in Repository.code(file.text).enumerated() where line.contains("try!") || line.contains(" as! ") {
        Issue.record("\(file.path):\(number + 1): \(line)")
      }
    }
  }

  @Test func `the program writes to its console in one place, where a full disk or a closed pipe crashes nothing`() {
    for file in Repository.files("Sources/kallglot-lab") where file.path != "Sources/kallglot-lab/Console.swift" {
      for (number, line) in Repository.code(file.text).enumerated() {
        for word in ["FileHandle.standard", " print(", "putchar(", "STDERR_FILENO"] where line.contains(word) {
          Issue.record("\(file.path):\(number + 1): \(line.trimmingCharacters(in: .whitespaces))")
        }
      }
    }
  }

  @Test func `tests do not sleep`() {
    for file in Repository.files("Tests") where !file.path.hasPrefix("Tests/ArchitectureTests") {
      for (number, line) in Repository.code(file.text).enumerated() where line.contains("sleep(") || line.contains("usleep") {
        Issue.record("\(file.path):\(number + 1): \(line)")
      }
    }
  }
}

@Suite struct JSONTests {
  /// A packet's line in the journal: a template of our own words, written in place.
  private let templates = ["Sources/Capture/FlowTexts.swift", "Sources/Capture/JournalFile.swift", "Sources/Capture/JournalSegment.swift"]

  @Test func `JSON is written by one writer, and by hand only where a packet's line is a template`() {
    for file in Repository.files("Sources") where !templates.contains(file.path) {
      for (number, line) in Repository.code(file.text).enumerated() where line.contains(#"\":"#) || line.contains("JSONEncoder") {
        Issue.record("\(file.path):\(number + 1) writes JSON by hand: \(line.trimmingCharacters(in: .whitespaces))")
      }
    }
  }
}

@Suite struct ConcurrencyTests {
  @Test func `what the compiler cannot check for threads says in the line above why it is sound`() {
    for file in Repository.files("Sources") {
      let (code, lines) = (Repository.code(file.text), file.lines)
      for (number, line) in code.enumerated() where line.contains("@unchecked Sendable") || line.contains("nonisolated(unsafe)") {
        let above = number > 0 ? lines[number - 1].drop { $0 == " " } : ""
        let isExplained = above.hasPrefix("// Unchecked: ") && above.count > 30
        #expect(isExplained, "\(file.path):\(number + 1): '// Unchecked: …' is missing above \(line.drop { $0 == " " })")
      }
    }
  }
}

@Suite struct WordingTests {
  /// Nouns that texts count. Verbs such as *calls* are left out.
  private let nouns: Set<Substring> = [
    "bytes", "checks", "connections", "contacts", "datagrams", "dialogs", "errors", "files", "findings", "folders", "fragments", "frames",
    "legs", "messages", "mistakes", "packets", "ports", "registrations", "re-INVITEs", "runs", "scenarios", "seeds", "sessions", "streams",
    "times", "warnings",
  ]

  /// Text beside a number that is never 1.
  private let allowed = ["Sources/Inspection/Report/Words.swift"]

  @Test func `numbers get their nouns in one place, which knows the singular`() {
    let programs = ["lab-bench", "lab-abuse", "lab-fuzz", "lab-planted", "lab-foreign", "FuzzTargets"]
    for file in Repository.files("Sources") where !programs.contains(file.module) && !allowed.contains(file.path) {
      for (number, line) in Repository.code(file.text).enumerated() {
        for match in line.matches(of: #/\\\([^"]*?\) ([A-Za-z-]+)/#) where nouns.contains(match.1) {
          Issue.record("\(file.path):\(number + 1) makes its own plural: \(line.trimmingCharacters(in: .whitespaces))")
        }
      }
    }
  }
}

@Suite struct UseTests {
  @Test func `every fixture is used by a test or named in the README`() {
    let tests = (Repository.files("Tests") + Repository.files("Sources/lab-bench")).map(\.text).joined() + readme
    for path in (try? FileManager.default.subpathsOfDirectory(atPath: "\(Repository.root)/fixtures")) ?? [] where path.contains(".") {
      // A test that reads a whole folder names the folder.
      let folder = path.split(separator: "/").first.map { "\"fixtures/\($0)\"" } ?? path
      #expect(tests.contains(path) || tests.contains(folder), "fixtures/\(path) is used nowhere")
    }
  }

  @Test func `the folder of scenarios holds scenarios, what they play and replay, and their documentation alone`() {
    let folders = (try? FileManager.default.subpathsOfDirectory(atPath: "\(Repository.root)/scenarios")) ?? []
    #expect(folders.allSatisfy { path in !path.contains(".") || ["yaml", "md", "wav", "txt"].contains { path.hasSuffix(".\($0)") } })
  }

  @Test func `the top level holds what it may hold`() {
    let names = Set(((try? FileManager.default.contentsOfDirectory(atPath: Repository.root)) ?? []).filter { !$0.hasPrefix(".") })
    let allowed: Set = [
      "Package.swift", "Package.resolved", "Sources", "Tests", "scenarios", "captures", "fixtures", "README.md", "Makefile", "out",
    ]
    #expect(names.isSubset(of: allowed), "\(names.subtracting(allowed))")
  }

  @Test func `no file names a place that only one machine has`() {
    for file in Repository.files("Sources") + Repository.files("scenarios", suffix: ".yaml") {
      #expect(!file.text.contains("/work/") && !file.text.contains("/home/") && !file.text.contains("/root/"), "\(file.path)")
    }
  }

  private var readme: String { (try? String(contentsOfFile: "\(Repository.root)/README.md", encoding: .utf8)) ?? "" }
}
