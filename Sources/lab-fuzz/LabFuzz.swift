import Foundation
import FuzzTargets

/// `lab-fuzz TARGET [libFuzzer options] [corpus folders]`: feeds libFuzzer's inputs to one reader. Built only with LAB_FUZZ=1 and
/// `-sanitize=fuzzer` (see `make fuzz`). A property that does not hold ends the process, which libFuzzer reports with the input.
@main
enum LabFuzz {
  static func main() {
    var arguments = CommandLine.arguments
    // The processes that -fork=N starts get the options alone: they inherit the name.
    if arguments.count > 1, FuzzTargets.all[arguments[1]] != nil { setenv(variable, arguments.remove(at: 1), 1) }
    guard target != nil else {
      FileHandle.standardError.write(Data("lab-fuzz: give one of \(FuzzTargets.all.keys.sorted().joined(separator: ", "))\n".utf8))
      exit(2)
    }
    var count = Int32(arguments.count)
    var pointers = arguments.map { strdup($0) } + [nil]
    let status = pointers.withUnsafeMutableBufferPointer { buffer -> Int32 in
      var base = buffer.baseAddress
      return withUnsafeMutablePointer(to: &base) { base in
        runDriver(&count, base) { data, count in
          LabFuzz.target?(Array(UnsafeBufferPointer(start: data, count: count)))
          return 0
        }
      }
    }
    exit(status)
  }

  private static let variable = "LAB_FUZZ_TARGET"

  /// The one that the variable names, once it is set.
  private static let target = ProcessInfo.processInfo.environment[variable].flatMap { FuzzTargets.all[$0] }

  typealias Target = @convention(c) (UnsafePointer<UInt8>?, Int) -> Int32
}

/// libFuzzer's entry for programs that have a `main` of their own.
@_silgen_name("LLVMFuzzerRunDriver")
private func runDriver(
  _ count: UnsafeMutablePointer<Int32>, _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?>,
  _ target: LabFuzz.Target
) -> Int32
