import Foundation

/// `lab-fuzz TARGET [libFuzzer options] [corpus folders]`: feeds libFuzzer's inputs to one reader. Built only with LAB_FUZZ=1 and
/// `-sanitize=fuzzer` (see `make fuzz`). A property that does not hold ends the process, which libFuzzer reports with the input.
@main
enum LabFuzz {
  static func main() {
    var arguments = CommandLine.arguments
    // The processes that -fork=N starts get the options alone: they inherit the name.
    if arguments.count > 1, targets[arguments[1]] != nil { setenv(variable, arguments.remove(at: 1), 1) }
    guard let name = ProcessInfo.processInfo.environment[variable], let target = targets[name] else {
      FileHandle.standardError.write(Data("lab-fuzz: give one of \(targets.keys.sorted().joined(separator: ", "))\n".utf8))
      exit(2)
    }
    var count = Int32(arguments.count)
    var pointers = arguments.map { strdup($0) } + [nil]
    let status = pointers.withUnsafeMutableBufferPointer { buffer -> Int32 in
      var base = buffer.baseAddress
      return withUnsafeMutablePointer(to: &base) { runDriver(&count, $0, target) }
    }
    exit(status)
  }

  private static let variable = "LAB_FUZZ_TARGET"

  typealias Target = @convention(c) (UnsafePointer<UInt8>?, Int) -> Int32

  private static let targets: [String: Target] = [
    "message": { data, count in
      MessageTarget.run(input(data, count))
      return 0
    },
    "composition": { data, count in
      CompositionTarget.run(input(data, count))
      return 0
    },
    "sdp": { data, count in
      DescriptionTarget.run(input(data, count))
      return 0
    },
    "wav": { data, count in
      WaveTarget.run(input(data, count))
      return 0
    },
    "framing": { data, count in
      FramingTarget.run(input(data, count))
      return 0
    },
    "capture": { data, count in
      CaptureTarget.run(input(data, count))
      return 0
    },
    "crypto": { data, count in
      CryptoTarget.run(input(data, count))
      return 0
    },
    "srtp": { data, count in
      SRTPTarget.run(input(data, count))
      return 0
    },
    "tls-records": { data, count in
      TLSRecordsTarget.run(input(data, count))
      return 0
    },
    "dtls-datagrams": { data, count in
      DTLSTarget.run(input(data, count))
      return 0
    },
    "rtp": { data, count in
      RTPTarget.run(input(data, count))
      return 0
    },
    "rtcp": { data, count in
      RTCPTarget.run(input(data, count))
      return 0
    },
    "telephone-event": { data, count in
      TelephoneEventTarget.run(input(data, count))
      return 0
    },
    "impairment": { data, count in
      ImpairmentTarget.run(input(data, count))
      return 0
    },
    "reader": { data, count in
      ReaderTarget.run(input(data, count))
      return 0
    },
  ]

  private static func input(_ data: UnsafePointer<UInt8>?, _ count: Int) -> [UInt8] {
    Array(UnsafeBufferPointer(start: data, count: count))
  }
}

/// libFuzzer's entry for programs that have a `main` of their own.
@_silgen_name("LLVMFuzzerRunDriver")
private func runDriver(
  _ count: UnsafeMutablePointer<Int32>, _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?>,
  _ target: LabFuzz.Target
) -> Int32

/// A property of the code under test; what does not hold is a finding.
func hold(_ condition: Bool, _ property: @autoclosure () -> String) {
  guard !condition else { return }
  FileHandle.standardError.write(Data("PROPERTY BROKEN: \(property())\n".utf8))
  fatalError()
}
