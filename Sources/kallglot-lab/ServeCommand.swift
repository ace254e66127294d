import ArgumentParser
struct ServeCommand: ParsableCommand { static let configuration = CommandConfiguration(commandName: "serve") ; func run() throws {} }
struct CallCommand: ParsableCommand { static let configuration = CommandConfiguration(commandName: "call") ; func run() throws {} }
