package commands

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

// A grammar is what a command takes, in kong's own terms, and in the order of
// the help. Kong can also read it from the tags of a struct; that costs more
// than all else that sending a message does.
type grammar struct {
	app kong.Application
	tag kong.Tag // none, for all
}

// helpFlag is the name of the flag that every command has besides its own.
const helpFlag = "help"

// grammarOf is the grammar of cmd, whose fields it gives their defaults.
func grammarOf(cmd command) *grammar {
	g := &grammar{}
	g.app.Node = &kong.Node{Type: kong.ApplicationNode, Tag: &g.tag}
	g.toggle(new(bool), helpFlag, "Show this").Short = 'h'
	cmd.declare(g)
	return g
}

// apply parses args, in which everything after -- is an argument and no flag, and
// sets what the grammar declares. It returns the names of the flags given, in order.
// Of what kong.New and Kong.Parse do besides, all serves the tags.
func (g *grammar) apply(args []string) (order []string, err error) {
	ctx, err := kong.Trace(&kong.Kong{Model: &g.app}, args)
	if err == nil {
		err = ctx.Error
	}
	if err == nil {
		_, err = ctx.Apply()
	}
	if err != nil {
		return nil, err
	}
	for _, p := range ctx.Path {
		if p.Flag != nil {
			order = append(order, p.Flag.Name)
		}
	}
	return order, nil
}

// setting is where the value of a flag or an argument goes, and how it is read.
type setting struct {
	target reflect.Value
	decode kong.MapperFunc
}

// one is a value that parse reads; the last one that is given counts.
func one[T any](target *T, parse func(string) (T, error)) setting {
	return setting{reflect.ValueOf(target).Elem(), func(ctx *kong.DecodeContext, target reflect.Value) error {
		token, err := ctx.Scan.PopValue("value")
		if err != nil {
			return err
		}
		v, err := parse(token.Value.(string))
		if err == nil {
			*target.Addr().Interface().(*T) = v
		}
		return err
	}}
}

// many are all values that are given, each of which parse reads: as many
// arguments as there are, or those of a flag that may be repeated.
func many[T any](target *[]T, parse func(string) (T, error)) setting {
	return setting{reflect.ValueOf(target).Elem(), func(ctx *kong.DecodeContext, target reflect.Value) error {
		token, err := ctx.Scan.PopValue("value")
		if err != nil {
			return err
		}
		tokens := []kong.Token{token}
		if ctx.Value.Flag == nil {
			tokens = append(tokens, ctx.Scan.PopWhile(kong.Token.IsValue)...)
		}
		list := target.Addr().Interface().(*[]T)
		for _, token := range tokens {
			v, err := parse(token.Value.(string))
			if err != nil {
				return err
			}
			*list = append(*list, v)
		}
		return nil
	}}
}

// asGiven reads a value that may be any bytes.
func asGiven(text string) (string, error) { return text, nil }

// flag declares a flag with a value.
func (g *grammar) flag(s setting, name, placeholder, help string) *kong.Flag {
	f := &kong.Flag{Value: g.value(s, name), PlaceHolder: placeholder}
	f.Help, f.Value.Flag = help, f
	g.app.Flags = append(g.app.Flags, f)
	return f
}

// toggle declares a flag without a value.
func (g *grammar) toggle(target *bool, name, help string) *kong.Flag {
	return g.flag(setting{reflect.ValueOf(target).Elem(), decodeBool}, name, "", help)
}

// argument declares an argument that is no flag, and must be given.
func (g *grammar) argument(s setting, name string) *kong.Positional {
	v := g.value(s, name)
	v.Required, v.Position = true, len(g.app.Positional)
	g.app.Positional = append(g.app.Positional, v)
	return v
}

func (g *grammar) value(s setting, name string) *kong.Value {
	return &kong.Value{Name: name, Target: s.target, Mapper: s.decode, Tag: &g.tag}
}

// decodeBool reads what may stand after the = of a flag without a value.
func decodeBool(ctx *kong.DecodeContext, target reflect.Value) error {
	on := true
	if ctx.Scan.Peek().Type == kong.FlagValueToken {
		switch text := strings.ToLower(ctx.Scan.Pop().Value.(string)); text {
		case "true", "1", "yes":
		case "false", "0", "no":
			on = false
		default:
			return fmt.Errorf("bool value must be true, 1, yes, false, 0 or no but got %q", text)
		}
	}
	target.SetBool(on)
	return nil
}

// check says what is missing, or is none of the values that a flag may have.
func (g *grammar) check() error {
	for _, f := range g.app.Flags {
		if f.Enum == "" || slices.Contains(f.EnumSlice(), f.Target.String()) {
			continue
		}
		known := strings.ReplaceAll(f.Enum, ",", `","`)
		return fmt.Errorf("--%s must be one of \"%s\" but got %q", f.Name, known, f.Target.String())
	}
	for _, a := range g.app.Positional {
		if a.Required && !a.Set {
			return errors.New("no " + a.Name)
		}
	}
	return nil
}
